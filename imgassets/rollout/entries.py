"""One line of a rollout's history: who did what when, and the hash that chains it to the last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from imgassets.documents.base import fingerprint
from imgassets.documents.rollout import SHADOW

Event = Literal["start", "promote", "finish", "revert", "freeze", "unfreeze", "repair"]
#: The stage of an endpoint that has no rollout.
NO_STAGE = "none"


class Entry(BaseModel):
    """One change of one endpoint's flag. All of it is scalars: a flag carries it as its metadata.

    Attributes:
        number: of the line, from 1.
        at: when, UTC.
        by: who.
        event: what was done.
        endpoint: whose flag.
        incumbent, candidate: models; no candidate where there never was one, or the swap is over.
        before, stage: names of stages, as of `stage_name`; `none` where there is no rollout.
        percent: of users that get the candidate from now on, 0..100.
        frozen: whether the stage must not rise.
        verdict: fingerprint of the verdict that a step forward rests on.
        reason: why, in words.
        previous: `hash` of the line before; empty for the first.
        hash: SHA-256 of all the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    number: int
    at: str
    by: str
    event: Event
    endpoint: str
    incumbent: str
    candidate: str
    before: str
    stage: str
    percent: float
    frozen: bool
    verdict: str
    reason: str
    previous: str
    hash: str = ""

    def sealed(self) -> Self:
        """The same with its hash."""
        return self.model_copy(update={"hash": self.true_hash})

    @property
    def true_hash(self) -> str:
        """The hash it must have."""
        return fingerprint(self.model_dump(exclude={"hash"}))

    @property
    def running(self) -> bool:
        """Whether a rollout goes on after it."""
        return self.stage != NO_STAGE

    @property
    def shadow(self) -> bool:
        """Whether the candidate is asked and shown to nobody."""
        return self.stage == SHADOW

    @property
    def words(self) -> str:
        """The entry in one line."""
        verdict = f", verdict {self.verdict[:12]}" if self.verdict else ""
        why = f": {self.reason}" if self.reason else ""
        moved = f"{self.before} -> {self.stage}" if self.before != self.stage else self.stage
        told = f"{self.at} {self.event} {moved} by {self.by}{verdict}{why}"
        return "".join(c if c.isprintable() else " " for c in told)  # terminals obey some others

    def traffic(self) -> tuple[Any, ...]:
        """What applications see of it; two entries that agree here send everybody the same way."""
        return self.incumbent, self.candidate if self.running else "", self.stage, self.percent


def at_words(now: datetime) -> str:
    """A time as entries say it: UTC, to the millisecond."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds")
