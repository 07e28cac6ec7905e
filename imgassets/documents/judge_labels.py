"""Labels to measure a judge by: images, what each must show, and whether it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from imgassets.documents.base import Document
from imgassets.documents.field_facets import Facet
from imgassets.documents.json_lines import ProblemWords, parsed, read_json_lines
from imgassets.documents.problems import InvalidDocumentsError, Problem, dotted, explained
from imgassets.documents.prompts import Expectation

_WANTED = (
    'a line such as {"image": "a.png", "expect": {"include": [{"class": "cat"}]}, "correct": true}'
)


class JudgeLabel(Document):
    """One line of a labels file."""

    image: Annotated[str, Facet.NOTHING] = Field(
        min_length=1, description="File of the image, from the folder of images on."
    )
    expect: Annotated[Expectation, Facet.PARTS] = Field(description="What it must show.")
    correct: Annotated[bool, Facet.NOTHING] = Field(
        description="Whether it does, as a person says, or as it was made."
    )
    prompt: Annotated[str, Facet.NOTHING] = Field(
        "", description="What was asked for; judges of alignment are asked by it."
    )
    task: Annotated[str, Facet.NOTHING] = Field(
        "", description="What accuracy is told by; derived from `expect` where it is empty."
    )

    @property
    def kind_of_task(self) -> str:
        """The task, by GenEval's names where none is given."""
        return self.task or task_of(self.expect)


def task_of(expect: Expectation) -> str:
    """GenEval's task for an expectation."""
    if expect.faces is not None:
        return "faces"
    wanted = expect.include
    if any(item.position for item in wanted):
        return "position"
    if any(item.count > 1 for item in wanted):
        return "counting"
    colored = any(item.color for item in wanted)
    if len(wanted) > 1:
        return "color_attr" if colored else "two_object"
    return "colors" if colored else "single_object"


def read_judge_labels(path: Path, images: Path) -> list[JudgeLabel]:
    """All lines of a labels file (JSON lines).

    Args:
        path: of the file.
        images: the folder that its images are in.

    Raises:
        InvalidDocumentsError: with every bad line, and every image that is not there.
    """
    labels: list[JudgeLabel] = []
    problems: list[Problem] = []
    for number, line in read_json_lines(path):
        row = parsed(line)
        if isinstance(row, ProblemWords) or not isinstance(row, dict):
            problems.append(Problem(str(path), number, "", str(row)[:80], _WANTED))
            continue
        try:
            label = JudgeLabel.model_validate(row)
        except ValidationError as error:
            problems += [
                Problem(str(path), number, dotted(field), message, fix)
                for field, message, fix in explained(error, JudgeLabel, row)
            ]
            continue
        labels.append(label)
        if not _inside(images, label.image):
            message = f"no image {label.image!r} in {images}"
            problems.append(Problem(str(path), number, "image", message, "check the path"))
    if problems:
        raise InvalidDocumentsError(problems)
    return labels


def _inside(folder: Path, name: str) -> bool:
    """Whether a file is there, and in the folder."""
    path = (folder / name).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve())
