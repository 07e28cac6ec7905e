"""What must hold for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgassets.decision import Measured, compare, decide
from imgassets.decision.statistics import Estimate
from imgassets_tests.decision.made_up import BASE, NEW, endpoint, measured

SECONDS = "cost.seconds"
VALUES = st.lists(st.integers(0, 1000).map(lambda v: v / 250), min_size=8, max_size=8)
FEW = settings(max_examples=6, deadline=None)


def tables(ours: list[float], theirs: list[float], shift: float = 0.0) -> tuple[Measured, Measured]:
    """Four prompts of two seeds for both models, everything shifted by a constant."""
    return tuple(  # type: ignore[return-value]
        measured(name, {SECONDS: lambda p, s, v=values: v[2 * p + s - 1] + shift}, range(4))
        for name, values in ((NEW, ours), (BASE, theirs))
    )


@FEW
@given(ours=VALUES, theirs=VALUES, shift=st.sampled_from([0.5, 3.0, 64.0]))
def test_a_constant_added_to_both_changes_no_margin_decision(
    ours: list[float], theirs: list[float], shift: float
) -> None:
    contract = endpoint([{"metric": SECONDS, "margin": 0.7313}])
    plain = compare(contract, *tables(ours, theirs)).records()[0]
    moved = compare(contract, *tables(ours, theirs, shift)).records()[0]
    assert moved["state"] == plain["state"]
    assert moved["difference"] == pytest.approx(plain["difference"], abs=1e-9)
    assert moved["p_passed"] == pytest.approx(plain["p_passed"], abs=1e-6)


@FEW
@given(ours=VALUES, theirs=VALUES, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(
    ours: list[float], theirs: list[float], seed: int
) -> None:
    contract = endpoint([{"metric": SECONDS, "margin": 0.5, "ceiling": 3}])
    new, base = tables(ours, theirs)
    mixed = [
        Measured(m.model, m.rows.sample(frac=1, random_state=seed), m.images.iloc[::-1])
        for m in (new, base)
    ]
    assert decide(compare(contract, *mixed)) == decide(compare(contract, new, base))


@FEW
@given(ours=VALUES, theirs=VALUES, margin=st.floats(0, 3), more=st.floats(0, 3))
def test_a_wider_margin_never_turns_passed_into_broken(
    ours: list[float], theirs: list[float], margin: float, more: float
) -> None:
    order = ["broken", "undecided", "passed"]
    states = [
        compare(endpoint([{"metric": SECONDS, "margin": m}]), *tables(ours, theirs)).records()[0][
            "state"
        ]
        for m in (margin, margin + more)
    ]
    assert order.index(states[0]) <= order.index(states[1])


@FEW
@given(ours=VALUES, theirs=VALUES)
def test_exactly_one_state_and_a_reason(ours: list[float], theirs: list[float]) -> None:
    """Never passed and broken at once; always a reason; the sentence starts with the verdict."""
    comparison = compare(
        endpoint([{"metric": SECONDS, "margin": 0.5, "ceiling": 2}]), *tables(ours, theirs)
    )
    found = comparison.records()[0]
    assert {"passed": True, "broken": False, "undecided": None}[found["state"]] is found["passed"]
    assert found["reason"]
    verdict = decide(comparison)
    assert verdict.sentence.startswith(f"{verdict.verdict}: ")


def simulated_go(difference: float, prompts: int, runs: int, margin: float) -> float:
    """Share of simulated runs whose margin is shown to hold at a true difference, 4 seeds."""
    rng = np.random.default_rng([prompts, runs, int(1000 + 1000 * difference)])
    d = rng.normal(difference, 0.2, (runs, prompts)) + rng.normal(0, 0.1, (runs, prompts))
    return float(np.mean([Estimate.of(run, None).p_at_least(-margin) <= 0.05 for run in d]))


def test_false_go_at_the_margin_is_rare_and_true_go_common() -> None:
    """At exactly the margin GO comes in about 5 % of runs; at no difference nearly always."""
    assert simulated_go(-0.1, 40, 2000, 0.1) == pytest.approx(0.05, abs=0.015)
    assert simulated_go(0.0, 40, 500, 0.1) >= 0.75
