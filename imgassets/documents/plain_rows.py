"""Prompts of formats that know nothing but words: one row a prompt, with where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from imgassets.documents.geneval import set_name
from imgassets.documents.problems import InvalidDocumentsError, Problem, dotted, explained
from imgassets.documents.prompt_ids import ids_of
from imgassets.documents.prompts import Prompt, PromptSet
from imgassets.documents.text_files import refused

#: More is no prompt set but a training set; each prompt costs an image a seed and model.
MOST_PROMPTS = 20_000


@dataclass(frozen=True)
class Row:
    """One prompt as it stands in a file.

    Attributes:
        line: 1-based.
        prompt: its text.
        id: its name where the file gives one, else empty.
        tags: free labels.
        field: what the file calls the prompt; empty for a plain line.
        file: where it stands, if not in the file that was asked for.
    """

    line: int
    prompt: str
    id: str = ""
    tags: tuple[str, ...] = ()
    field: str = ""
    file: Path | None = None


def prompt_set_of(path: Path, rows: Sequence[Row]) -> PromptSet:
    """Rows as a prompt set that is called as the file.

    Raises:
        InvalidDocumentsError: a row is no prompt; with all that are not.
    """
    if not rows:
        raise refused(path, "the prompt set is empty", "add at least one prompt")
    if len(rows) > MOST_PROMPTS:
        raise refused(
            path, f"{len(rows)} prompts; more than {MOST_PROMPTS}", "take a sample of them"
        )
    problems: list[Problem] = []
    prompts: dict[str, Prompt] = {}
    lines: dict[str, int] = {}
    for row, made in zip(rows, ids_of([row.prompt for row in rows]), strict=True):
        data = {"id": row.id or made, "prompt": row.prompt, "tags": row.tags}
        file = str(row.file or path)
        try:
            prompt = Prompt.model_validate(data)
        except ValidationError as error:
            problems += [
                Problem(file, row.line, row.field if f == ("prompt",) else dotted(f), message, fix)
                for f, message, fix in explained(error, Prompt, data)
            ]
            continue
        if prompt.id in prompts:
            message = f"id {prompt.id!r} is also in line {lines[prompt.id]}"
            problems.append(Problem(file, row.line, "id", message, "rename one of them"))
        prompts[prompt.id], lines[prompt.id] = prompt, row.line
    if problems:
        raise InvalidDocumentsError(problems)
    return PromptSet(prompt_set=set_name(path), prompts=tuple(prompts.values()))
