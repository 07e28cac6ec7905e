"""Traces: requests with their times, as production logged them. JSON lines, or CSV with a header.

A bad row is told with file, line, field and fix; all of them at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from imgassets.documents.contract import Endpoint
from imgassets.documents.field_errors import FieldError
from imgassets.documents.json_lines import ProblemWords, parsed
from imgassets.documents.problems import (
    InvalidDocumentsError,
    Problem,
    dotted,
    explained,
    problem_at,
)
from imgassets.documents.prompt_tables import delimiter_of, names_of, table_lines
from imgassets.documents.prompts import Prompt
from imgassets.documents.text_files import read_text, refused
from imgassets.flows import FIRST, FlowName

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

_WANTED = (
    'give one JSON object a line, such as {"time": 0.5, "prompt_id": "red-circle", "seed": 5}, or '
    "a CSV whose header names `time` and `prompt_id` or `prompt`"
)
_MOST_BYTES = 256 * 2**20


def _seconds(value: object) -> float:
    """Seconds of a number, or of a date and time (UTC where it names no zone)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("give seconds, or a date and time such as 2026-11-27T16:30:00Z")
    try:
        return float(value)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(
            f"{value!r} is neither seconds nor a date and time such as 2026-11-27T16:30:00Z"
        ) from None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()


def _size(value: object) -> object:
    """`96x96` as `[96, 96]`."""
    return value.lower().split("x") if isinstance(value, str) else value


class TraceRow(BaseModel):
    """One request of a trace.

    Attributes:
        time: when it came: seconds from any start, or a date and time.
        prompt_id: of a prompt of the contract's sets; or
        prompt: a text of its own, sent as it is.
        flow: whose image is asked for.
        size: the contract's where it is silent.
        seed: drawn from the contract's where it is silent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    time: Annotated[float, BeforeValidator(_seconds)]
    prompt_id: str | None = None
    prompt: str | None = Field(None, min_length=1)
    flow: FlowName = FIRST
    size: Annotated[tuple[int, int] | None, BeforeValidator(_size)] = None
    seed: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if (self.prompt_id is None) == (self.prompt is None):
            both = self.prompt is not None
            what = "prompt_id and prompt are both given" if both else "nothing is asked for"
            fix = "drop one of them" if both else "add `prompt_id`, or the text as `prompt`"
            raise FieldError(what, fix, "prompt_id")
        return self


def read_trace(project: Project, endpoint: Endpoint, trace: str) -> list[TraceRow]:
    """The requests of a trace in order of time, which begins at 0.

    Args:
        project: whose prompts it may name.
        endpoint: who is asked.
        trace: the file, from the project root.

    Raises:
        InvalidDocumentsError: a row cannot be replayed; names every such row.
    """
    path = project.root / trace
    rows, problems = list[TraceRow](), list[Problem]()
    check = _Check.of(project, endpoint)
    for line, data in _rows(path):
        row, found = _row(data)
        found = found if row is None else list(check.misfits(row))
        problems += [Problem(trace, line, field, message, fix) for field, message, fix in found]
        rows += [row] if row and not found else []
    if problems:
        raise InvalidDocumentsError(problems)
    start = min(row.time for row in rows)
    moved = (row.model_copy(update={"time": row.time - start}) for row in rows)
    return sorted(moved, key=lambda row: row.time)


def check_trace(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    """Problems of the trace that a contract's pilot names."""
    pilot = loaded.document.pilot
    if pilot is None or pilot.trace is None:
        return
    if not (project.root / pilot.trace).is_file():
        message, fix = f"there is no file {pilot.trace!r}", "correct it, from the project's root"
        yield problem_at(loaded, ("pilot", "trace"), message, fix)
        return
    try:
        read_trace(project, loaded.document, pilot.trace)
    except InvalidDocumentsError as error:
        yield from error.problems


def _row(data: Any) -> tuple[TraceRow | None, list[tuple[str, str, str]]]:
    """The row, or `(field, message, fix)` of all that is wrong with it."""
    if isinstance(data, ProblemWords):
        return None, [("", data.words, _WANTED)]
    try:
        return TraceRow.model_validate(data), []
    except ValidationError as error:
        told = explained(error, TraceRow, data)
        return None, [(dotted(field), message, fix) for field, message, fix in told]


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """`(line, values)` of every row that is not blank."""
    text = read_text(path, "a trace", _WANTED, _MOST_BYTES)
    first = text.lstrip("\n").partition("\n")[0]
    if not first.strip():
        raise refused(path, "the trace is empty", _WANTED)
    if first.lstrip().startswith("{"):
        for line, part in enumerate(text.split("\n"), 1):
            if part.strip():
                yield line, parsed(part)
        return
    delimiter = delimiter_of(first)
    names = names_of(first, delimiter)
    if "time" not in names:
        raise refused(path, "no column `time` in the first line", _WANTED)
    rows = list(table_lines(path, text, delimiter))[1:]
    if not rows:
        raise refused(path, "the trace has a header and no rows", "add a row for each request")
    for line, cells in rows:
        if len(cells) > len(names):
            message = f"{len(cells)} cells where the header names {len(names)}"
            yield line, ProblemWords(message)
        else:
            filled = zip(names, cells, strict=False)
            yield line, {name: cell.strip() for name, cell in filled if cell.strip()}


class _Check:
    """Holds rows to a contract and its prompts."""

    def __init__(self, endpoint: Endpoint, prompts: Mapping[str, Prompt], most_seed: int) -> None:
        self._endpoint, self._prompts, self._most_seed = endpoint, prompts, most_seed

    @classmethod
    def of(cls, project: Project, endpoint: Endpoint) -> _Check:
        """The check of one endpoint; prompts and models that cannot be read are not there."""
        sets = [project.prompt_sets[n] for n in endpoint.prompt_sets if n in project.prompt_sets]
        models = [project.models[n].document for n in endpoint.models if n in project.models]
        prompts = {prompt.id: prompt for found in sets for prompt in found.document.prompts}
        return cls(endpoint, prompts, min((m.most_seed for m in models), default=2**64 - 1))

    def misfits(self, row: TraceRow) -> Iterator[tuple[str, str, str]]:
        """`(field, message, fix)` of what the contract does not allow."""
        endpoint = self._endpoint
        if row.flow not in endpoint.flows:
            message = f"endpoint {endpoint.endpoint} has no flow {row.flow}"
            yield "flow", message, f"one of: {', '.join(endpoint.flows)}"
        elif endpoint.edited(row.flow) and row.prompt is not None:
            message = f"flow {row.flow} edits, and a text of its own has no region to edit"
            yield "prompt", message, "name a prompt that has an `edit` by `prompt_id`"
        if row.size is not None and row.size not in endpoint.accepts.sizes:
            known = ", ".join(f"{w}x{h}" for w, h in endpoint.accepts.sizes)
            yield "size", f"{row.size[0]}x{row.size[1]} is not in accepts.sizes", f"one of: {known}"
        if row.seed is not None and row.seed > self._most_seed:
            message = f"the models here take seeds up to {self._most_seed}"
            yield "seed", message, "choose a smaller one"
        yield from self._of_prompt(row)

    def _of_prompt(self, row: TraceRow) -> Iterator[tuple[str, str, str]]:
        most = self._endpoint.accepts.max_prompt_chars
        if row.prompt is not None and len(row.prompt) > most:
            message = f"{len(row.prompt)} characters; the endpoint accepts {most}"
            yield "prompt", message, "shorten it, or raise accepts.max_prompt_chars"
        if row.prompt_id is None:
            return
        prompt = self._prompts.get(row.prompt_id)
        if prompt is None:
            close = difflib.get_close_matches(row.prompt_id, list(self._prompts), n=1)
            fix = f"did you mean {close[0]!r}?" if close else "name one of the contract's prompts"
            yield "prompt_id", f"no prompt {row.prompt_id!r} in the contract's prompt sets", fix
        elif prompt.edit is None and self._edits(row.flow):
            message = f"flow {row.flow} edits, and prompt {row.prompt_id!r} has no `edit`"
            yield "prompt_id", message, "name a prompt that has one"

    def _edits(self, flow: FlowName) -> bool:
        return flow in self._endpoint.flows and self._endpoint.edited(flow)
