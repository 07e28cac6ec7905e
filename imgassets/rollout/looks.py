"""Looks at a stage: one chunk of data each, kept in the log itself, so that none is spent twice.

A look and its finding are written in one transaction with what it read. A process that is killed
in between took no look; two that watch at once take one. What a breach asks for is done after it is
on the disk, and done again by whoever comes next if that process is gone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from imgassets.rollout.outcomes import PATIENCE, OutcomeLog, counts_in, requests_in
from imgassets.rollout.rates import Arm, at_least
from imgassets.rollout.threshold import (
    NOTHING,
    Counts,
    Finding,
    Limits,
    is_due,
    judge,
    too_early,
)

#: An arm is silent where so many requests would have come at the stage's own pace and none did, and
#: patience is at an end as well: outcomes come in batches.
_SILENT = 20
#: Fewer reports than this part of what the flag sends, and no chance, is a hole in the reports.
_PART, _CHANCE = 0.8, 1e-6


@dataclass(frozen=True)
class Stage:
    """A stretch of a rollout in which the flag does not change.

    Attributes:
        rollout: tells this rollout from all others.
        name: such as `10`.
        since: requests from then on count.
        share: of all requests that are the candidate's, 0..1; None where it is asked beside the
            incumbent (shadow).
        reference: the stretch that the incumbent's arm is taken from where it has no requests any
            more (100 %); None for this one.
    """

    rollout: str
    name: str
    since: datetime
    share: float | None
    reference: tuple[datetime, datetime] | None = None

    @property
    def key(self) -> str:
        """Names the stretch in the record."""
        return f"{self.name} since {self.since.isoformat()}"


def take_look(log: OutcomeLog, stage: Stage, limits: Limits, now: datetime) -> Finding:
    """What is to be said of a stage now; takes a look if one is due.

    Raises:
        StoreError: the log cannot be read or written.
    """
    with log.database() as database:
        last = _last(_taken(database, stage.rollout), stage)
        quick = _requests(database, stage, now)
    if last is not None and last.state == "breach":
        return last
    if is_due(quick, last.stage if last else NOTHING, limits):
        last = _look(log, stage, limits, now)
    found = last or too_early(quick, limits)
    return found if found.state == "breach" else _held(found, log, stage, quick, now)


def _look(log: OutcomeLog, stage: Stage, limits: Limits, now: datetime) -> Finding | None:
    """The look that is due, unless somebody else took it meanwhile: then theirs."""
    with log.database(writes=True) as database:
        taken = _taken(database, stage.rollout)
        last = _last(taken, stage)
        before, counts = last.stage if last else NOTHING, _counts(database, stage, limits, now)
        if (last and last.state == "breach") or not is_due(counts, before, limits):
            return last
        found = judge(counts, before, limits, len(taken) + 1)
        database.execute(
            "INSERT INTO looks VALUES (?, ?, ?, ?, ?)",
            (stage.rollout, found.look, stage.key, now.timestamp(), _written(found)),
        )
        return found


def looks_of(log: OutcomeLog, rollout: str) -> list[tuple[datetime, str, Finding]]:
    """All looks of a rollout: when, at which stage, and what came of it."""
    with log.database() as database:
        rows = database.execute(
            "SELECT at, stage, finding FROM looks WHERE rollout = ? ORDER BY number", (rollout,)
        ).fetchall()
    return [(datetime.fromtimestamp(at).astimezone(), s, _read(f)) for at, s, f in rows]


def _counts(database: sqlite3.Connection, stage: Stage, limits: Limits, now: datetime) -> Counts:
    here = counts_in(database, stage.since, now, limits.seconds)
    if stage.reference is None:
        return here
    since, until = stage.reference
    before = counts_in(database, since, now, limits.seconds, until)
    return replace(here, incumbent=before.incumbent)


def _requests(database: sqlite3.Connection, stage: Stage, now: datetime) -> Counts:
    """How many requests there are, quickly; failures are not counted."""
    here = requests_in(database, stage.since, now)
    if stage.reference is None:
        return here
    since, until = stage.reference
    return replace(here, incumbent=counts_in(database, since, now, None, until).incumbent)


def _last(taken: list[tuple[str, Finding]], stage: Stage) -> Finding | None:
    """The last look at a stage."""
    mine = [finding for key, finding in taken if key == stage.key]
    return mine[-1] if mine else None


def _held(found: Finding, log: OutcomeLog, stage: Stage, counts: Counts, now: datetime) -> Finding:
    """The same, or a hold where reports are missing: silence is no good news."""
    holes = [_hole(counts, stage)]
    arms = {"candidate": counts.candidate}
    if stage.reference is None:
        arms["incumbent"] = counts.incumbent
    holes += [_silence(log, stage, name, arm, now) for name, arm in arms.items()]
    missing = next((hole for hole in holes if hole), "")
    if not missing:
        return found
    return replace(found, state="hold", sentence=f"{missing}; before that: {found.sentence}")


def _silence(log: OutcomeLog, stage: Stage, name: str, arm: Arm, now: datetime) -> str:
    latest = log.latest(name)
    if latest is None or latest < stage.since or latest >= now:
        return ""
    pace = arm.requests / max(1.0, (latest - stage.since).total_seconds())
    due = pace * (now - latest).total_seconds()
    if due < _SILENT or now - latest < PATIENCE:
        return ""
    return (
        f"nothing came of the {name}'s arm since {latest:%Y-%m-%d %H:%M} UTC, where about "
        f"{due:,.0f} requests were due; what is not reported may have failed"
    )


def _hole(counts: Counts, stage: Stage) -> str:
    """An arm that reports less than the flag sends it."""
    if stage.reference is not None or stage.share is None:
        return ""
    ours, theirs = counts.candidate.requests, counts.incumbent.requests
    both = ours + theirs
    arms = (("candidate", ours, stage.share), ("incumbent", theirs, 1 - stage.share))
    for name, came, share in arms:
        sent = share * both
        if came < _PART * sent and at_least(both - came, both, 1 - share) < _CHANCE:
            return (
                f"the {name}'s arm reports {came:,} requests in this stage, and the flag sends it "
                f"about {sent:,.0f} of the {both:,}; what is not reported may have failed"
            )
    return ""


def _taken(database: sqlite3.Connection, rollout: str) -> list[tuple[str, Finding]]:
    rows = database.execute(
        "SELECT stage, finding FROM looks WHERE rollout = ? ORDER BY number", (rollout,)
    )
    return [(stage, _read(finding)) for stage, finding in rows]


def _written(found: Finding) -> str:
    return json.dumps(found.to_dict())


def _read(text: str) -> Finding:
    data: Mapping[str, Any] = json.loads(text)
    return Finding(**{**data, "stage": Counts.of(data["stage"])})
