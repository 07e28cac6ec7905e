"""A ceiling holds when it is shown to hold; a sender that was late shows nothing."""

from __future__ import annotations

import numpy as np
import pytest

from imgassets.documents.pilot import Ceilings
from imgassets.pilot.ceilings import held, holds
from imgassets.pilot.result import Pilot
from imgassets_tests.pilot.projects import made_pilot

LATENCIES = np.random.default_rng(1).exponential(0.3, 400).clip(0.01, 2.5).tolist()


def state(name: str, limit: float, latencies: list[float], **result: object) -> str:
    found = held(made_pilot(latencies, **result), Ceilings.model_validate({name: limit}), 0.05)
    return next(one.state for one in found if one.name == name)


@pytest.mark.parametrize(
    ("name", "limit", "wanted"),
    [
        ("p50_seconds", 0.5, "passed"),
        ("p50_seconds", 0.1, "broken"),
        ("p95_seconds", 1.5, "passed"),
        ("p95_seconds", 0.9, "undecided"),
        ("p95_seconds", 0.3, "broken"),
        ("p99_seconds", 3, "passed"),
        ("worst_seconds", 2.5, "passed"),
        ("worst_seconds", 0.5, "broken"),
        ("failure_rate", 0.02, "passed"),
        ("usd_per_image", 0.002, "passed"),
        ("usd_per_image", 0.0005, "broken"),
        ("memory_mib", 600, "passed"),
        ("memory_mib", 400, "broken"),
    ],
)
def test_each_ceiling_is_held(name: str, limit: float, wanted: str) -> None:
    assert state(name, limit, LATENCIES) == wanted


def test_few_requests_show_nothing_and_say_how_many_would() -> None:
    (found,) = [
        one
        for one in held(made_pilot([0.1, 0.2] * 15), Ceilings(p99_seconds=5), 0.05)
        if one.name == "p99_seconds"
    ]
    assert found.state == "undecided"
    assert "requests show it" in found.reason
    assert state("failure_rate", 0.01, [0.1] * 100) == "undecided"


def test_failures_break_the_quantiles_they_reach_and_the_rate() -> None:
    broken = [-one if i % 5 == 0 else one for i, one in enumerate(LATENCIES)]
    assert state("p95_seconds", 60, broken) == "broken"
    assert state("p50_seconds", 60, broken) == "passed"
    assert state("failure_rate", 0.05, broken) == "broken"


def test_memory_that_nobody_told_is_not_taken_for_little() -> None:
    assert state("memory_mib", 600, LATENCIES, memory_mib=None) == "undecided"


def test_what_the_contract_is_silent_on_is_shown_and_decides_nothing() -> None:
    pilot = made_pilot([1.0, -1.0] * 20)
    assert all(one.state == "" for one in held(pilot, Ceilings(), 0.05))
    assert holds(pilot, Ceilings(), 0.05) == (True, [])


def test_a_pilot_that_sent_late_does_not_hold() -> None:
    pilot = made_pilot([0.1] * 100)
    late = tuple(
        row.model_copy(update={"sent": row.due + (0.2 if row.number % 20 == 0 else 0.001)})
        for row in pilot.requests
    )
    good, wrong = holds(Pilot(result=pilot.result, requests=late), Ceilings(), 0.05)
    assert not good
    assert "5 of 100 requests more than 50 ms late" in wrong[0]


def test_a_gating_criterion_broken_under_load_is_told() -> None:
    row = {
        "criterion": "generate__artefacts_clean", "metric": "artefacts.clean", "flow": "generate",
        "severity": "gating", "state": "broken", "estimate": 0.1, "difference": None,
        "reason": "10 % are clean",
    }  # fmt: skip
    pilot = made_pilot([0.1] * 100, quality=[row])
    assert holds(pilot, Ceilings(), 0.05)[1] == [
        "generate__artefacts_clean: broken under load; 10 % are clean"
    ]
    shown = made_pilot([0.1] * 100, quality=[row | {"severity": "review"}])
    assert holds(shown, Ceilings(), 0.05)[0]
