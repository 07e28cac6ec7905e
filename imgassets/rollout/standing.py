"""Where an endpoint's rollout stands, since when, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from imgassets.documents.rollout import Rollout, Stage, stage_name
from imgassets.rollout.entries import Entry
from imgassets.rollout.record import Record

_CHANGES_STAGE = ("start", "promote", "finish", "revert")


@dataclass(frozen=True)
class Standing:
    """A rollout as its history tells it.

    Attributes:
        endpoint: its name.
        last: the last entry; None where nothing was ever done.
        since: when the stage began; None likewise.
        begun: when the rollout began; None where none is running.
    """

    endpoint: str
    last: Entry | None
    since: datetime | None
    begun: datetime | None

    @property
    def running(self) -> bool:
        """Whether a rollout is under way."""
        return self.last is not None and self.last.running

    def next_stage(self, rollout: Rollout) -> Stage | None:
        """The stage that comes next by a contract; None after the last one.

        A stage that the contract no longer has is followed by the next larger percent.
        """
        if self.last is None or not self.last.running:
            return rollout.stages[0]
        names = [stage_name(stage) for stage in rollout.stages]
        if self.last.stage in names:
            later = rollout.stages[names.index(self.last.stage) + 1 :]
        else:
            larger = [s for s in rollout.stages if not isinstance(s, str)]
            later = tuple(s for s in larger if s > self.last.percent)
        return later[0] if later else None

    def pinned_until(self, rollout: Rollout) -> datetime | None:
        """Until when the incumbent must be kept; None before all users have the candidate."""
        if self.last is None or self.since is None or self.last.percent < 100:
            return None
        return self.since + timedelta(days=rollout.keep_incumbent_days)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "endpoint": self.endpoint,
            "running": self.running,
            "since": self.since.isoformat() if self.since else None,
            "begun": self.begun.isoformat() if self.begun else None,
            "last": self.last.model_dump() if self.last else None,
        }


def standing(record: Record, endpoint: str) -> Standing:
    """Where an endpoint's rollout stands."""
    since: list[datetime | None] = [None, None]
    begun: list[datetime | None] = [None, None]
    for entry in record.of(endpoint):
        at = datetime.fromisoformat(entry.at)
        if entry.event in _CHANGES_STAGE:
            since.append(at)
            begun.append(at if entry.event == "start" else begun[-1])
        elif entry.event == "repair" and entry.stage != entry.before:  # the step did not happen
            since.append(since[-2])
            begun.append(begun[-2])
    last = record.last(endpoint)
    running = last is not None and last.running
    return Standing(endpoint, last, since[-1], begun[-1] if running else None)
