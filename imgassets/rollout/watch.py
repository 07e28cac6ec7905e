"""Watching a rollout: look at what production reports, and take the rollout back when it must be.

Needs the log, the flags and their history, and no Dagster. Any number of watchers may run at once:
a look is taken by one of them, and the way back is harmless when done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Project
from imgassets.documents.rollout import Outcomes
from imgassets.rollout import steps
from imgassets.rollout.entries import Entry
from imgassets.rollout.looks import Stage, take_look
from imgassets.rollout.outcomes import OutcomeLog, log_of
from imgassets.rollout.record import Record, read_record
from imgassets.rollout.sampled_images import CLEAN, FAMILIES, ImageFinding, ImageSample
from imgassets.rollout.standing import standing
from imgassets.rollout.threshold import Finding, Limits, level_of
from imgassets.storage.project_home import home_of
from imgassets.storage.rollout_files import RolloutFiles, rollout_files

#: Applications see a new flag within this time; requests in between count for no stage.
_SETTLES = timedelta(seconds=10)


@dataclass(frozen=True)
class Watched:
    """What one pass found and did.

    Attributes:
        endpoint: whose rollout.
        stage: its stage when it was looked at; `none` without a rollout.
        finding: on the outcomes; None without a rollout.
        images: on sampled images; None where there are none.
        done: `revert` or `freeze` where that was done just now, else empty.
        notes: what could not be done besides, in words.
    """

    endpoint: str
    stage: str
    finding: Finding | None = None
    images: ImageFinding | None = None
    done: str = ""
    notes: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        """How many requests of the candidate are known in this stage."""
        return self.finding.stage.candidate.requests if self.finding else 0

    @property
    def breach(self) -> str:
        """Which limit is broken, in words; empty where none."""
        if self.finding and self.finding.state == "breach":
            return self.finding.sentence
        return self.images.sentence if self.images and self.images.broken else ""

    @property
    def hold(self) -> str:
        """Why the stage must not rise yet, in words; empty where it may."""
        if self.finding is None or self.finding.state != "hold":
            return ""
        return self.finding.sentence

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "endpoint": self.endpoint,
            "stage": self.stage,
            "finding": self.finding.to_dict() if self.finding else None,
            "images": self.images.to_dict() if self.images else None,
            "done": self.done,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        if self.finding is None:
            return f"{self.endpoint}: no rollout is running"
        lines = [f"{self.endpoint}, stage {self.stage}: {self.finding.state}: "
                 f"{self.finding.sentence}"]  # fmt: skip
        if self.images:
            state = "broken" if self.images.broken else "looked at"
            lines.append(f"  images {state}: {self.images.sentence}")
        if self.done:
            words = {"revert": "reverted: all users have the incumbent again",
                     "freeze": "frozen: no stage rises until somebody unfreezes it"}  # fmt: skip
            lines.append(f"  {words[self.done]}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


@dataclass(frozen=True)
class Watcher:
    """All that a pass needs to know of one endpoint.

    Attributes:
        endpoint: its name.
        outcomes: the contract's `rollout.outcomes`.
        margins: of metrics that sampled images are compared by.
        log: production's outcomes.
        files: flags and history.
        root: the project's folder, which paths of images start from.
    """

    endpoint: str
    outcomes: Outcomes
    margins: Mapping[str, float]
    log: OutcomeLog
    files: RolloutFiles
    root: Path

    @property
    def limits(self) -> Limits:
        """The contract's, as the threshold takes them."""
        return limits_of(self.outcomes)

    def pass_once(self, by: str, now: datetime, images: int = 20) -> Watched:
        """Look, and do what a broken limit asks for.

        Args:
            by: who watches, for the history.
            now: what time it is.
            images: of the sample that are scored in this pass at most.

        Raises:
            StoreError: the log cannot be read.
            OSError: history or flags cannot be read, or not written when they must.
        """
        seen = self.look(now, images)
        if seen.finding is None or not seen.breach:
            return seen
        step = steps.Step(self.endpoint, by, now, seen.breach)
        proven = seen.finding.state == "breach"
        return self._act(seen, step, revert=proven and self.outcomes.on_breach == "revert")

    def look(self, now: datetime, images: int = 0) -> Watched:
        """Look, and do nothing about it. Arguments and errors as of `pass_once`."""
        record = read_record(self.files)
        stage = stage_of(record, self.endpoint)
        last = record.last(self.endpoint)
        if stage is None or last is None:
            return Watched(self.endpoint, "none")
        found = take_look(self.log, stage, self.limits, now)
        sampled = self._sampled(stage, found, images)
        return Watched(self.endpoint, last.stage, found, sampled)

    def _sampled(self, stage: Stage, found: Finding, most: int) -> ImageFinding | None:
        sample = ImageSample(self.log, self.root, stage.since)
        if most:
            sample.look_at_more(most)
        level = level_of(max(1, found.look), self.limits)
        seen = sample.kept(stage.rollout, found.look, self.margins, level)
        return seen if any(seen.images.values()) or seen.unread else None

    def _act(self, seen: Watched, step: steps.Step, *, revert: bool) -> Watched:
        """Go back, or stop where it is; nothing where that is done already."""
        last = read_record(self.files).last(self.endpoint)
        if last is None or not last.running or (last.frozen and not revert):
            return seen
        if not revert:
            steps.freeze(self.files, step)
            return _with(seen, "freeze")
        done = steps.revert(self.files, step)
        return _with(seen, "revert" if done.entry else "", done.notes)


@dataclass(frozen=True)
class Counted:
    """Requests of a stage whose contract has no limits: gates ask for their number alone."""

    requests: int
    breach: str = ""
    hold: str = ""


def watcher_of(project: Project, endpoint: str) -> Watcher | None:
    """The watcher of an endpoint; None where its contract has no `rollout.outcomes`.

    Raises:
        LookupError: no valid contract of that name; says which there are.
    """
    if endpoint not in project.endpoints:
        known = ", ".join(project.endpoints) or "none"
        raise LookupError(f"no valid contract of an endpoint {endpoint!r}; there are: {known}")
    contract = project.endpoint(endpoint)
    if contract.rollout is None or contract.rollout.outcomes is None:
        return None
    outcomes = contract.rollout.outcomes
    return Watcher(
        endpoint,
        outcomes,
        margins_of(contract, outcomes.failures.margin),
        log_of(home_of(project.root), endpoint),
        rollout_files(project.root),
        project.root,
    )


def outcomes_now(project: Project, endpoint: str, now: datetime) -> Watched | Counted | None:
    """What gates are told of an endpoint's stage; None where nothing was ever reported.

    Raises:
        StoreError: the log cannot be read.
    """
    watcher = watcher_of(project, endpoint)
    if watcher is not None:
        return watcher.look(now)
    log = log_of(home_of(project.root), endpoint)
    stage = stage_of(read_record(rollout_files(project.root)), endpoint)
    if stage is None or not log.file.is_file():
        return None
    return Counted(log.requests("candidate", stage.since))


def limits_of(outcomes: Outcomes) -> Limits:
    """A contract's limits, as the threshold takes them."""
    return Limits(
        margin=outcomes.failures.margin,
        ceiling=outcomes.failures.ceiling,
        alpha=outcomes.alpha,
        looks=outcomes.looks,
        min_requests=outcomes.min_requests,
        seconds=outcomes.seconds.ceiling if outcomes.seconds else None,
        quantile=outcomes.seconds.quantile if outcomes.seconds else 0.95,
    )


def margins_of(contract: Endpoint, failures: float) -> dict[str, float]:
    """Margins that sampled images are held to: those of the contract's criteria.

    Args:
        contract: of the endpoint.
        failures: margin of failures in production; that of images with defects, which are failures
            that nobody noticed, where no criterion says another.
    """
    own = {
        criterion.metric: float(criterion.margin)
        for criterion in contract.criteria
        if criterion.margin is not None
        and criterion.statistic == "mean"
        and criterion.metric.partition(".")[0] in FAMILIES
    }
    return {CLEAN: failures} | own


def stage_of(record: Record, endpoint: str) -> Stage | None:
    """The stretch of time that outcomes are judged in now; None without a rollout."""
    at = standing(record, endpoint)
    if at.last is None or at.since is None or not at.running:
        return None
    entries = record.of(endpoint)
    begun = max(i for i, entry in enumerate(entries) if entry.event == "start")
    mine = entries[begun:]
    freed = [_time(entry) for entry in mine if entry.event == "unfreeze"]
    return Stage(
        rollout=mine[0].hash,
        name=at.last.stage,
        since=max([at.since, *freed]) + _SETTLES,
        share=None if at.last.shadow else at.last.percent / 100,
        reference=_reference(mine, at.since) if at.last.percent >= 100 else None,
    )


def _reference(entries: tuple[Entry, ...], until: datetime) -> tuple[datetime, datetime] | None:
    """The last stretch before `until` in which both models had users."""
    changes = [e for e in entries if e.event in ("start", "promote") and _time(e) < until]
    mixed = [e for e in changes if e.percent < 100]
    return (_time(mixed[-1]) + _SETTLES, until) if mixed else None


def _time(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.at)


def _with(seen: Watched, done: str, notes: tuple[str, ...] = ()) -> Watched:
    return Watched(seen.endpoint, seen.stage, seen.finding, seen.images, done, notes)
