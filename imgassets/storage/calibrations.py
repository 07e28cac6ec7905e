"""What judges were measured to be right at, kept under their fingerprints.

A calibration is of one fingerprint: another threshold, and it is none of that judge any more.
Those of the embedded judges ship with them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from imgassets.documents.contract import Endpoint
from imgassets.documents.judge import EMBEDDED, judge_fingerprint
from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.project import Project
from imgassets.storage.project_home import ProjectHome
from imgassets.storage.whole_file import write_whole

#: An estimate with its 95 % interval: (value, lower, upper), 0..1.
Interval = tuple[float, float, float]
_SHIPPED = EMBEDDED / "calibration.json"


@dataclass(frozen=True)
class Accuracy:
    """How often a judge was right on labelled images.

    Attributes:
        n: images that it judged.
        agreement: share it judged as the label says.
        precision: of images it called right, the share that are.
        recall: of images that are right, the share it called so. Both are None where there are
            none.
    """

    n: int
    agreement: Interval
    precision: Interval | None = None
    recall: Interval | None = None


@dataclass(frozen=True)
class Calibration:
    """What a judge was measured to be right at.

    Attributes:
        judge: its name when it was measured.
        what: what it was measured on.
        images: labelled images, those it could not judge among them.
        unjudged: how many it could not judge.
        overall: over all tasks.
        tasks: by task.
    """

    judge: str
    what: str
    images: int
    unjudged: int
    overall: Accuracy
    tasks: dict[str, Accuracy] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """In one clause: `right on 85 % (82 to 88) of 600 labelled images`."""
        value, low, high = (round(100 * part) for part in self.overall.agreement)
        return f"right on {value} % ({low} to {high}) of {self.overall.n} labelled images"


@dataclass(frozen=True)
class Calibrations:
    """Those of a project, one file a fingerprint, on top of those that ship."""

    folder: Path

    def of(self, fingerprint: str) -> Calibration | None:
        """The calibration of a judge; the project's own before one that ships.

        Raises:
            ValueError: the file was damaged; names it and the fix.
        """
        path = self._file(fingerprint)
        if not path.is_file():
            return _shipped().get(fingerprint)
        try:
            return _read(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} cannot be read ({error}); delete it and run `imgassets calibrate` again"
            ) from error

    def keep(self, fingerprint: str, calibration: Calibration) -> Path:
        """Write one, in place of an older one; returns the file."""
        path = self._file(fingerprint)
        write_whole(path, json.dumps(calibration.to_dict(), indent=1))
        return path

    def _file(self, fingerprint: str) -> Path:
        return self.folder / f"{fingerprint}.json"


def calibrations_of(home: ProjectHome) -> Calibrations:
    """The calibrations of a project."""
    return Calibrations(home.calibrations)


def judges_in_words(project: Project, endpoint: Endpoint, known: Calibrations) -> dict[str, str]:
    """The judge of each metric family of an endpoint, and how often it is right.

    Such as `{"composition": "coco-small, right on 81 % (77 to 84) of 600 labelled images"}`.

    Raises:
        ValueError: a file was damaged; names it and the fix.
    """
    return {
        family: f"{name}, {_accuracy_of(project, name, known)}"
        for family, name in endpoint.judges_used.items()
    }


def _accuracy_of(project: Project, name: str, known: Calibrations) -> str:
    try:
        found = known.of(judge_fingerprint(project.root, project.judge(name)))
    except FileNotFoundError:
        return "whose weights are missing"
    return found.sentence if found else "never calibrated"


def hints(project: Project, known: Calibrations) -> list[Problem]:
    """A hint for each gating criterion that rests on a judge nobody has measured."""
    return [
        problem_at(
            project.endpoints[endpoint.endpoint],
            ("criteria", index, "metric"),
            f"{criterion.metric} gates on judge {judge}, which was never calibrated: how often "
            "it is wrong on pictures like yours is unknown",
            f"label some images and run `imgassets calibrate {judge} --labels FILE --images DIR`",
        )
        for endpoint in project.usable_endpoints()
        for index, criterion in enumerate(endpoint.criteria)
        for judge in [endpoint.judges_used.get(criterion.metric.partition(".")[0])]
        if judge is not None
        and criterion.severity == "gating"
        and _accuracy_of(project, judge, known) == "never calibrated"
    ]


@cache
def _shipped() -> dict[str, Calibration]:
    if not _SHIPPED.is_file():
        return {}
    found = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    return {fingerprint: _read(entry) for fingerprint, entry in found.items()}


def _read(entry: dict[str, Any]) -> Calibration:
    return Calibration(
        entry["judge"],
        entry["what"],
        entry["images"],
        entry["unjudged"],
        _accuracy(entry["overall"]),
        {task: _accuracy(part) for task, part in entry["tasks"].items()},
    )


def _accuracy(entry: dict[str, Any]) -> Accuracy:
    parts = (entry.get(name) for name in ("agreement", "precision", "recall"))
    agreement, precision, recall = (tuple(part) if part else None for part in parts)
    return Accuracy(entry["n"], agreement, precision, recall)  # type: ignore[arg-type]
