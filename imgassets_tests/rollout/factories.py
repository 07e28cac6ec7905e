"""Contracts and evidence that tests of rollouts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from imgassets.documents.contract import Endpoint
from imgassets.documents.rollout import Rollout
from imgassets.rollout import gates, steps
from imgassets.rollout.entries import Entry
from imgassets.rollout.gates import Evidence, Gate, VerdictFound
from imgassets.rollout.record import read_record
from imgassets.rollout.standing import Standing, standing
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.conftest import ENDPOINT

BEGIN = datetime(2026, 11, 2, 9, tzinfo=UTC)
ROLLOUT = {
    "stages": ["shadow", 1, 10, 50, 100],
    "min_hours": 24,
    "min_requests": 1000,
    "max_verdict_age_days": 30,
    "keep_incumbent_days": 14,
}


@dataclass(frozen=True)
class Summary:
    """Outcomes as gates see them."""

    requests: int = 5000
    breach: str = ""
    hold: str = ""


def contract(**changed: object) -> Endpoint:
    """The test project's contract with a rollout, `cards`: incumbent prod, candidate fast."""
    written = yaml.safe_load(ENDPOINT) | {"rollout": ROLLOUT} | changed
    return Endpoint.model_validate(written)


def plan_of(endpoint: Endpoint) -> Rollout:
    assert endpoint.rollout is not None
    return endpoint.rollout


def evidence(now: datetime, **changed: object) -> Evidence:
    """Evidence that opens every gate."""
    verdict = VerdictFound("GO", "GO: as good and cheaper.", "f" * 64, now, "")
    found: dict[str, object] = {"verdict": verdict, "outcomes": Summary()} | changed
    return Evidence(**found)  # type: ignore[arg-type]


def at(files: RolloutFiles, endpoint: str = "cards") -> Standing:
    return standing(read_record(files), endpoint)


def open_gates() -> list[Gate]:
    return [Gate("all", True, "as it should be")]


def step(now: datetime = BEGIN, by: str = "ada", reason: str = "", of: str = "cards") -> steps.Step:
    return steps.Step(of, by, now, reason, "f" * 64)


def begin(files: RolloutFiles, now: datetime = BEGIN, of: str = "cards") -> Entry:
    """A rollout at its first stage."""
    last = at(files, of).last
    return steps.start(files, step(now, of=of), ("prod", "fast"), "shadow", open_gates(), last)


def go_on(files: RolloutFiles, to: Sequence[float], now: datetime = BEGIN) -> Entry:
    """A rollout at a later stage, a day for each."""
    last = at(files).last
    assert last is not None
    for days, stage in enumerate(to, 1):
        then = step(now + timedelta(days=days))
        last = steps.promote(files, then, stage, open_gates(), last)
    return last


def gates_of(files: RolloutFiles, endpoint: Endpoint, found: Evidence, now: datetime) -> list[Gate]:
    return gates.promote_gates(endpoint, plan_of(endpoint), found, at(files), now)


def files_in(folder: Path) -> RolloutFiles:
    return RolloutFiles(folder / "rollout")
