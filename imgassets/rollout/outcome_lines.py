"""Outcomes as applications write them: JSON lines or CSV, one line a request.

    {"id": "r-81", "at": "2026-11-27T14:03:11Z", "arm": "candidate", "status": "ok", "seconds": 1.9}

A line that is no outcome is told with file, line, field and fix; all others are taken. A last line
without its line break may be half written: it is left for the next reading.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.json_lines import ProblemWords, parsed
from imgassets.documents.problems import Problem, dotted, explained

#: The request was begun; its outcome follows under the same id. Without one it counts as failed.
STARTED = "started"
OK = "ok"
#: Clocks of two machines differ; further ahead than this one of them is wrong.
_AHEAD = timedelta(minutes=10)
_EXAMPLE = '{"id": "r-81", "at": "2026-11-27T14:03:11Z", "arm": "candidate", "status": "ok"}'
_NUMBERS = ("seconds", "usd")


def _with_zone(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise FieldError("a time without its zone", "write it as 2026-11-27T14:03:11Z")
    return at


class Outcome(Document):
    """What became of one request in production."""

    id: str = Field(
        min_length=1,
        max_length=200,
        description="names the request; the same id is never counted twice",
    )
    at: Annotated[datetime, Field(strict=False), AfterValidator(_with_zone)] = Field(
        description="when the request began, with its zone"
    )
    arm: Literal["incumbent", "candidate"] = Field(description="which model the flag chose")
    status: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="`ok`, `started`, or how it failed in one word, such as `timed_out`",
    )
    user: str = Field("", max_length=200, description="whose request; a hash will do")
    seconds: float | None = Field(None, ge=0, description="from asking to having the image")
    usd: float | None = Field(None, ge=0, description="what it cost")
    image: str = Field("", max_length=4096, description="path of the image that was delivered")
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$", description="of that image's file")


@dataclass(frozen=True)
class Reading:
    """What a text holds.

    Attributes:
        outcomes: in its order.
        problems: lines that are none, each with its fix.
        lines: the text of those, in the same order.
        unfinished: whether the last line was left out because it may be half written.
    """

    outcomes: tuple[Outcome, ...]
    problems: tuple[Problem, ...] = ()
    lines: tuple[str, ...] = ()
    unfinished: bool = False


def read_outcomes(
    text: str, name: str, now: datetime, form: Literal["csv", "jsonl"] = "jsonl"
) -> Reading:
    """Every outcome of a text.

    Args:
        text: UTF-8, whole or what is there of it so far.
        name: how problems call it.
        now: outcomes of a later time come from a wrong clock, and are refused.
        form: JSON lines, or CSV whose first line names the fields.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    whole, broken, rest = text.rpartition("\n")
    unfinished = bool(rest.strip()) and not _is_whole(rest, form, whole)
    text = whole + broken if unfinished else text
    rows = _csv_rows(text, name) if form == "csv" else _json_rows(text, name)
    outcomes, problems, lines = [], [], []
    for row in rows:
        found = row.problem or _outcome(row, name, now)
        if isinstance(found, Outcome):
            outcomes.append(found)
        else:
            problems.append(found)
            lines.append(row.text)
    return Reading(tuple(outcomes), tuple(problems), tuple(lines), unfinished)


@dataclass(frozen=True)
class _Row:
    line: int
    text: str
    data: Mapping[str, Any]
    problem: Problem | None = None


def _is_whole(line: str, form: str, before: str) -> bool:
    """Whether a last line without its line break has all it should have."""
    if form == "csv":
        return line.count(",") >= before.partition("\n")[0].count(",") and line.count('"') % 2 == 0
    return isinstance(parsed(line), dict)


def _json_rows(text: str, name: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        data = parsed(line)
        if isinstance(data, dict):
            yield _Row(number, line, data)
            continue
        wrong = str(data) if isinstance(data, ProblemWords) else "no JSON object"
        yield _Row(number, line, {}, Problem(name, number, "", wrong, f"write {_EXAMPLE}"))


def _csv_rows(text: str, name: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""))
    head, start = [cell.strip() for cell in next(reader, [])], reader.line_num + 1
    for cells in reader:
        line, start = start, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        shown = json.dumps(dict(zip(head, cells, strict=False)), ensure_ascii=False)
        if len(cells) != len(head):
            wrong = f"{len(cells)} cells where the first line names {len(head)}"
            fix = "put texts with a comma into double quotes"
            yield _Row(line, shown, {}, Problem(name, line, "", wrong, fix))
            continue
        yield _Row(line, shown, dict(_cells(head, cells)))


def _cells(head: list[str], cells: list[str]) -> Iterator[tuple[str, Any]]:
    """Cells that are filled in; numbers where a number is wanted."""
    for field, cell in zip(head, cells, strict=True):
        value: Any = cell.strip()
        if value == "":
            continue
        if field in _NUMBERS:
            with suppress(ValueError):  # told as what it is
                value = float(value)
        yield field, value


def _outcome(row: _Row, name: str, now: datetime) -> Outcome | Problem:
    try:
        outcome = Outcome.model_validate(dict(row.data))
    except ValidationError as error:
        field, message, fix = explained(error, Outcome, row.data)[0]
        return Problem(name, row.line, dotted(field), message, fix)
    if outcome.at > now + _AHEAD:
        wrong = f"{outcome.at.isoformat()} is not yet: here it is {now.isoformat()}"
        return Problem(name, row.line, "at", wrong, "set the clock of the machine that wrote it")
    return outcome
