"""What people said of pairs of images: `reviews/ENDPOINT.jsonl`, one answer a line, only added to.

`imgassets review` writes it (`review.answer_file`). A person may correct an answer by a later line;
nothing is ever taken out.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator

from imgassets.documents.base import Document, Name, fingerprint
from imgassets.documents.field_errors import FieldError, raise_all
from imgassets.documents.field_facets import Facet
from imgassets.documents.json_lines import ProblemWords, parsed
from imgassets.documents.problems import InvalidDocumentsError, Problem, dotted, explained
from imgassets.documents.scalars import is_blank
from imgassets.documents.text_files import read_text
from imgassets.flows import FlowName

Side = Literal["candidate", "incumbent"]
Choice = Literal["candidate", "incumbent", "equal"]
Seen = Literal["yes", "no", "unsure"]
Defect = Literal["hands", "text", "seam", "color", "other"]

#: Characters of a note, of a name, and of an item.
MOST_NOTE, MOST_NAME, MOST_ITEM = 2000, 64, 1000
#: About two million answers.
_MOST_BYTES = 1024 * 2**20
_WANTED = "one answer a line, as `imgassets review` writes it; take the line out if it is none"
_TORN = "drop it, or start `imgassets review`, which does"

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AnswerId = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
Item = Annotated[str, Field(min_length=1, max_length=MOST_ITEM)]


def _is_name(who: str) -> str:
    if is_blank(who) or who != who.strip() or not who.isprintable():
        fix = "write visible text in one line, without spaces around it"
        raise FieldError(f"{who!r} is no name", fix)
    return who


#: Name of a person.
Person = Annotated[str, Field(min_length=1, max_length=MOST_NAME), AfterValidator(_is_name)]


class Correct(Document):
    """Whether each image shows what was asked, by item of `expect`; absent where not said."""

    candidate: Annotated[dict[Item, Seen], Facet.NOTHING] = Field(
        default_factory=dict, description="Of the candidate's image, by item."
    )
    incumbent: Annotated[dict[Item, Seen], Facet.NOTHING] = Field(
        default_factory=dict, description="Of the incumbent's image, by item."
    )


class Defects(Document):
    """What is wrong with each image."""

    candidate: Annotated[tuple[Defect, ...], Facet.NOTHING] = Field(
        (), description="Of the candidate's image."
    )
    incumbent: Annotated[tuple[Defect, ...], Facet.NOTHING] = Field(
        (), description="Of the incumbent's image."
    )


class Answer(Document):
    """What one person said of one pair."""

    id: Annotated[AnswerId, Facet.NOTHING] = Field(
        description="Random hex, made before the answer is sent: a retry has the same."
    )
    when: Annotated[AwareDatetime, Facet.NOTHING] = Field(description="Time with its zone.")
    who: Annotated[Person, Facet.NOTHING] = Field(description="Name of the person.")
    endpoint: Annotated[Name, Facet.NOTHING] = Field(description="Endpoint of both images.")
    candidate: Annotated[Name, Facet.NOTHING] = Field(description="The model that is judged.")
    incumbent: Annotated[Name | None, Facet.NOTHING] = Field(
        None, description="The model it is compared with; null where an image was shown alone."
    )
    flow: Annotated[FlowName, Facet.NOTHING] = Field(description="How the images were made.")
    prompt_id: Annotated[Name, Facet.NOTHING] = Field(description="Of the prompt.")
    seed: Annotated[int, Facet.NOTHING] = Field(ge=0, description="Of both images.")
    candidate_key: Annotated[Key, Facet.NOTHING] = Field(
        description="Image key of the candidate's image."
    )
    incumbent_key: Annotated[Key | None, Facet.NOTHING] = Field(
        None, description="Image key of the incumbent's; null where an image was shown alone."
    )
    left: Annotated[Side, Facet.NOTHING] = Field(description="Whose image was shown left.")
    why: Annotated[str, Facet.NOTHING] = Field(
        min_length=1, description="`random`, or in words why the pair was shown."
    )
    drawn: Annotated[bool, Facet.NOTHING] = Field(
        description="Whether the pair is in the random sample. The sample is drawn from all pairs, "
        "so a pair that was shown for a reason may be in it. Only these estimate anything."
    )
    preference: Annotated[Choice | None, Facet.NOTHING] = Field(
        description="The better image, or `equal`; null where an image was shown alone."
    )
    correct: Annotated[Correct, Facet.PARTS] = Field(
        default_factory=Correct, description="Whether each image shows what was asked."
    )
    defects: Annotated[Defects, Facet.PARTS] = Field(
        default_factory=Defects, description="What is wrong with each image."
    )
    note: Annotated[str, Facet.NOTHING] = Field(
        "", max_length=MOST_NOTE, description="In the person's own words."
    )
    seconds: Annotated[float, Facet.NOTHING] = Field(
        ge=0, description="From the pair being shown to the answer, in seconds."
    )
    revision_of: Annotated[AnswerId | None, Facet.NOTHING] = Field(
        None, description="The earlier answer of the same person that this one corrects."
    )

    @model_validator(mode="after")
    def _alone_or_a_pair(self) -> Self:
        alone = self.incumbent_key is None
        fix = "give incumbent, incumbent_key and preference, or null for all three"
        raise_all(
            FieldError("does not fit incumbent_key", fix, field)
            for field in ("incumbent", "preference")
            if (getattr(self, field) is None) != alone
        )
        if alone and self.left != "candidate":
            raise FieldError("is incumbent, which was not shown", "write candidate", "left")
        return self

    @property
    def pair(self) -> tuple[str, str | None]:
        """The image keys, the candidate's first: what was judged."""
        return self.candidate_key, self.incumbent_key


@dataclass(frozen=True)
class AnswerFile:
    """The answers on one endpoint, or what is wrong with them: a file with a problem gives none.

    Attributes:
        file: as the user would open it.
        answers: every answer, each once, in the order of the file, corrected ones included.
        problems: everything to mend.
        warnings: what was left out and needs nothing: half a line behind the last whole one.
    """

    file: str
    answers: tuple[Answer, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def counted(self) -> tuple[Answer, ...]:
        """The last answer of each person on each pair: those that count."""
        last = {(answer.who, *answer.pair): answer for answer in self.answers}
        return tuple(last.values())

    @property
    def version(self) -> str:
        """Hash of what counts, or of what is wrong; order, time and notes change nothing."""
        aside = {"id", "when", "note", "seconds", "revision_of", "left"}
        said = sorted(fingerprint(x.model_dump(mode="json", exclude=aside)) for x in self.counted)
        return fingerprint([said, [str(problem) for problem in self.problems]])

    @property
    def words(self) -> str:
        """How much was said, or the first thing to mend."""
        if self.problems:
            return str(self.problems[0])
        people, pairs = {x.who for x in self.counted}, {x.pair for x in self.counted}
        who = "1 person" if len(people) == 1 else f"{len(people)} people"
        return f"{self.file}: answers on {len(pairs)} pairs by {who}"


def read_all_answers(root: Path, endpoints: Container[str]) -> dict[str, AnswerFile]:
    """All files of `reviews/`, by endpoint; never raises for a bad file.

    Args:
        root: the project's folder.
        endpoints: names of those that have a valid contract.
    """
    found: dict[str, AnswerFile] = {}
    for path in sorted((root / "reviews").glob("*.jsonl")):
        shown = path.relative_to(root)
        if path.stem in endpoints:
            found[path.stem] = read_answers(path, path.stem, shown)
            continue
        wrong = f"there is no valid contract of an endpoint {path.stem!r}"
        fix = "call the file after an endpoint, or mend contracts/endpoints"
        found[path.stem] = AnswerFile(str(shown), (), (Problem(str(shown), 1, "", wrong, fix),))
    return found


def read_answers(path: Path, endpoint: str, shown: Path | None = None) -> AnswerFile:
    """One file of answers; everything wrong with it is among its problems.

    Args:
        path: JSON lines; a file that is not there holds no answer.
        endpoint: whose answers it holds.
        shown: how the file is called in problems; by its path where it is left out.
    """
    reader = _Reader(str(shown or path), endpoint)
    if not path.exists():
        return AnswerFile(reader.file)
    try:
        text = read_text(path, "JSON lines", _WANTED, _MOST_BYTES)
    except InvalidDocumentsError as error:
        moved = (Problem(reader.file, p.line, p.field, p.message, p.fix) for p in error.problems)
        return AnswerFile(reader.file, (), tuple(moved))
    answers = tuple(reader.answers(text))
    problems = tuple(sorted(reader.problems))
    return AnswerFile(reader.file, () if problems else answers, problems, tuple(reader.warnings))


class _Reader:
    def __init__(self, file: str, endpoint: str) -> None:
        self.file, self._endpoint = file, endpoint
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._lines: dict[str, tuple[int, Answer]] = {}

    def answers(self, text: str) -> Iterator[Answer]:
        *whole, last = text.split("\n")
        for line, written in enumerate(whole, 1):
            if written.strip() and (answer := self._answer(line, written)):
                yield answer
        if not last.strip():
            return
        if isinstance(parsed(last), dict):  # all of it but the line's end
            if answer := self._answer(len(whole) + 1, last):
                yield answer
        else:
            torn = "half a line, as a crash leaves it; it is left out"
            self.warnings.append(Problem(self.file, len(whole) + 1, "", torn, _TORN))

    def _answer(self, line: int, text: str) -> Answer | None:
        """The answer of a line; None where it is none, or is there already."""
        row = parsed(text)
        if not isinstance(row, dict):
            said = row.words if isinstance(row, ProblemWords) else "not a JSON object"
            self._report(line, "", said, _WANTED)
            return None
        answer = self._validated(line, row)
        if answer is None or self._is_wrong(line, answer):
            return None
        known, first = self._lines.setdefault(answer.id, (line, answer))
        if first is answer:
            return answer
        if first != answer:
            said = f"line {known} has the same id and says something else"
            self._report(line, "id", said, "take one of the two lines out")
        return None

    def _validated(self, line: int, row: dict[str, Any]) -> Answer | None:
        try:
            return Answer.model_validate(row)
        except ValidationError as error:
            for field, message, fix in explained(error, Answer, row):
                self._report(line, dotted(field), message, fix)
            return None

    def _is_wrong(self, line: int, answer: Answer) -> bool:
        before = len(self.problems)
        if answer.endpoint != self._endpoint:
            said = f"is {answer.endpoint!r} in the file of {self._endpoint!r}"
            self._report(
                line, "endpoint", said, f"move the line to reviews/{answer.endpoint}.jsonl"
            )
        if answer.revision_of is not None:
            _, earlier = self._lines.get(answer.revision_of, (0, None))
            if earlier is None or (earlier.who, earlier.pair) != (answer.who, answer.pair):
                said = f"{answer.revision_of} is no earlier answer of {answer.who} on this pair"
                self._report(line, "revision_of", said, "write null, or the id of one")
        return len(self.problems) > before

    def _report(self, line: int, field: str, message: str, fix: str) -> None:
        self.problems.append(Problem(self.file, line, field, message, fix))
