"""What people said of an endpoint's images: `labels/ENDPOINT.csv` or `.jsonl`, a row a judgement.

    image_key,metric,value,who,when
    3f0c...,composition.correct,1,ana,2026-11-27

A row without a value is one that nobody has judged yet, as `imgassets label-sample` writes them.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from imgassets.documents.base import fingerprint
from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.scale_ends import ends_of
from imgassets.metrics.families import METRICS, by_people, of_making
from imgassets.metrics.family import Metric

COLUMNS = ("image_key", "metric", "value", "who", "when")
#: For the people who fill the table in; nothing reads them.
ASIDE = ("prompt", "image")
#: What people said of an image: the mean over people, by (image key, metric).
Labels = Mapping[tuple[str, str], float]
_KEY = re.compile(r"[0-9a-f]{64}")
_SUFFIXES = (".csv", ".jsonl")


@dataclass(frozen=True)
class Label:
    """One judgement of one person: `value` in the metric's unit, of the image `image_key`."""

    image_key: str
    metric: str
    value: float
    who: str
    when: datetime
    line: int


@dataclass(frozen=True)
class LabelFile:
    """The labels of one endpoint, or what is wrong with them: a file with a problem gives none.

    Attributes:
        file: as the user would open it.
        labels: in the order of the file.
        problems: everything to mend.
    """

    file: str
    labels: tuple[Label, ...] = ()
    problems: tuple[Problem, ...] = ()

    @cached_property
    def means(self) -> dict[tuple[str, str], float]:
        """What people said of each image: the mean over people, by (image key, metric)."""
        found: dict[tuple[str, str], list[float]] = {}
        for label in self.labels:
            found.setdefault((label.image_key, label.metric), []).append(label.value)
        return {key: math.fsum(values) / len(values) for key, values in found.items()}

    @property
    def version(self) -> str:
        """Hash of what people said, or of what is wrong; order and time change nothing."""
        said = sorted([x.image_key, x.metric, x.who, x.value] for x in self.labels)
        return fingerprint([said, [str(problem) for problem in self.problems]])

    @property
    def words(self) -> str:
        """How much was said, or the first thing to mend."""
        if self.problems:
            return str(self.problems[0])
        people, images = ({getattr(x, n) for x in self.labels} for n in ("who", "image_key"))
        who = "1 person" if len(people) == 1 else f"{len(people)} people"
        return f"{self.file}: labels of {len(images)} images by {who}"


def read_all_labels(
    root: Path, metrics_of: Callable[[str], Mapping[str, Metric] | None]
) -> dict[str, LabelFile]:
    """All files of `labels/`, by endpoint; never raises for a bad file.

    Args:
        root: the project's folder.
        metrics_of: metrics that a contract declares, by the endpoint's name; None where there is
            no such contract.
    """
    folder, found = root / "labels", dict[str, LabelFile]()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix not in _SUFFIXES:
            continue
        shown, own = path.relative_to(root), metrics_of(path.stem)
        if path.stem in found:
            wrong = f"{path.stem} has labels in {found[path.stem].file} as well"
            problem = Problem(str(shown), 1, "", wrong, "put them into one file")
            found[path.stem] = LabelFile(str(shown), (), (problem,))
        elif own is None:
            wrong = f"there is no valid contract of an endpoint {path.stem!r}"
            fix = "call the file after an endpoint, or mend contracts/endpoints"
            found[path.stem] = LabelFile(str(shown), (), (Problem(str(shown), 1, "", wrong, fix),))
        else:
            found[path.stem] = read_labels(path, {**METRICS, **own}, shown)
    return found


def read_labels(
    path: Path, metrics: Mapping[str, Metric], shown: Path | None = None, *, any_key: bool = False
) -> LabelFile:
    """One table of labels, from any place; everything wrong with it is among its problems.

    Args:
        path: a CSV, or JSON lines.
        metrics: those that people may judge, by name.
        shown: how the file is called in problems; by its path where it is left out.
        any_key: takes image keys that are no hash, for tables that others made.
    """
    reader = _Reader(str(shown or path), metrics, any_key)
    try:
        labels = tuple(reader.labels(path))
    except InvalidDocumentsError as error:
        return LabelFile(reader.file, (), error.problems)
    problems = tuple(sorted(reader.problems))
    return LabelFile(reader.file, () if problems else labels, problems)


class _Reader:
    def __init__(self, file: str, metrics: Mapping[str, Metric], any_key: bool) -> None:
        self.file, self._metrics, self._any_key = file, metrics, any_key
        self.problems: list[Problem] = []
        self._first: dict[tuple[str, str, str], int] = {}

    def labels(self, path: Path) -> Iterator[Label]:
        lines = self._json_lines(path) if path.suffix == ".jsonl" else self._csv(path)
        for line, row in lines:
            if not any(row.get(name) for name in ("value", "who", "when")):
                continue  # nobody has judged it yet
            before = len(self.problems)
            label = self._label(line, row)
            if label and len(self.problems) == before:
                yield label

    def _label(self, line: int, row: Mapping[str, str]) -> Label | None:
        empty = [name for name in COLUMNS if not row.get(name)]
        for name in empty:
            self._report(line, name, "is empty", "fill it in, or empty value, who and when as well")
        if empty:
            return None
        key, name, who = row["image_key"], row["metric"], row["who"]
        if not self._any_key and not _KEY.fullmatch(key):
            fix = "copy the image key (64 hex digits) from `label-sample`, a table or the report"
            self._report(line, "image_key", f"{key[:80]!r} is no image key", fix)
        value, when = self._value(line, name, row["value"]), self._time(line, row["when"])
        first = self._first.setdefault((who, key, name), line)
        if first != line:
            said = f"{who} judged this image by {name} in line {first} already"
            self._report(line, "who", said, "keep the judgement that holds, drop the other")
        if value is None or when is None:
            return None
        return Label(key, name, value, who, when, line)

    def _value(self, line: int, name: str, written: str) -> float | None:
        metric = self._metrics.get(name)
        if metric is None:
            close = difflib.get_close_matches(name, list(self._metrics), n=1)
            fix = f"did you mean {close[0]}?" if close else "docs/metrics.md lists all metrics"
            self._report(line, "metric", f"there is no metric {name!r}", fix)
            return None
        if of_making(name):
            said = f"{name} is measured while an image is made; nobody can see it"
            self._report(line, "metric", said, "drop the row")
            return None
        if by_people(name):
            said = f"{name} is said of pairs, by `imgassets review`"
            self._report(line, "metric", said, "drop the row")
            return None
        low, high = ends_of(metric)
        least, most = (-math.inf if low is None else low), (math.inf if high is None else high)
        value = math.nan
        with suppress(ValueError):
            value = float(written)
        if math.isfinite(value) and least <= value <= most:
            return value
        share = " (1 for yes, 0 for no)" if (low, high) == (0, 1) else ""
        fix = f"write a number from {_end(low)} to {_end(high)}{share}"
        self._report(line, "value", f"{written[:80]!r} is no value of {name}", fix)
        return None

    def _time(self, line: int, written: str) -> datetime | None:
        try:
            return datetime.fromisoformat(written)
        except ValueError:
            fix = "write it as 2026-11-27 or 2026-11-27T14:30"
            self._report(line, "when", f"{written[:80]!r} is no time", fix)
            return None

    def _csv(self, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
        reader = csv.reader(io.StringIO(self._text(path), newline=""), strict=True)
        try:
            head = [name.strip() for name in next(reader, [])]
            self._check_head(head)
            start = reader.line_num + 1
            for cells in reader:
                line, start = start, reader.line_num + 1
                if any(cell.strip() for cell in cells):
                    if len(cells) != len(head):
                        wrong = f"{len(cells)} cells where the head has {len(head)}"
                        self._report(line, "", wrong, "put texts with a comma into quotes")
                        continue
                    yield line, {n: c.strip() for n, c in zip(head, cells, strict=True)}
        except csv.Error as error:
            fix = "save it as CSV with commas and double quotes"
            self._report(reader.line_num, "", f"cannot be read as CSV: {error}", fix)

    def _check_head(self, head: Sequence[str]) -> None:
        fix = f"the first line is {','.join(COLUMNS)}"
        if len(head) == 1 and (";" in head[0] or "\t" in head[0]):
            raise self._refused("the cells are not separated by commas", f"{fix}, with commas")
        missing = [name for name in COLUMNS if name not in head]
        others = [name for name in head if name not in (*COLUMNS, *ASIDE)]
        doubles = sorted({name for name in head if head.count(name) > 1})
        for what, names in (("missing", missing), ("unknown", others), ("double", doubles)):
            if names:
                raise self._refused(f"{what} columns: {', '.join(map(repr, names))}", fix)

    def _json_lines(self, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
        example = dict.fromkeys(COLUMNS, "...")
        for line, text in enumerate(self._text(path).split("\n"), 1):
            if not text.strip():
                continue
            row: Any = None
            with suppress(ValueError, RecursionError):
                row = json.loads(text)
            if not isinstance(row, dict):
                self._report(line, "", "is no JSON object", f"write {json.dumps(example)}")
                continue
            for name in row.keys() - {*COLUMNS, *ASIDE}:
                self._report(line, str(name), "is unknown", f"one of: {', '.join(COLUMNS)}")
            yield line, {n: "" if row.get(n) is None else str(row[n]).strip() for n in COLUMNS}

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._refused("not UTF-8 text", "save the file as UTF-8") from error
        except OSError as error:
            said = error.strerror or str(error)
            raise self._refused(said, "make the file readable") from error

    def _report(self, line: int, field: str, message: str, fix: str) -> None:
        self.problems.append(Problem(self.file, line, field, message, fix))

    def _refused(self, message: str, fix: str) -> InvalidDocumentsError:
        return InvalidDocumentsError([Problem(self.file, 1, "", message, fix)])


def _end(end: float | None) -> str:
    return "any" if end is None else f"{end:g}"
