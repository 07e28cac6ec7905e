"""What must hold for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgassets.decision import Measured, compare, decide
from imgassets.decision.statistics import Estimate
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured

SECONDS, EXACT = "cost.seconds", "typography.exact"
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


SHARES = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=30, max_size=60)
BETTER_FIRST = ["GO", "INCONCLUSIVE", "NO-GO"]


@settings(max_examples=60, deadline=None)
@given(shares=SHARES, which=st.integers(0, 59), limits=st.sampled_from([(0.1, 0.3), (0.2, 0.6)]))
def test_a_worse_prompt_never_turns_a_verdict_for_the_better(
    shares: list[float], which: int, limits: tuple[float, float]
) -> None:
    """Margin and floor, both models from the same prompts; one prompt of the candidate is lost."""
    contract = endpoint([{"metric": EXACT, "margin": limits[0], "floor": limits[1]}])
    worse = shares.copy()
    worse[which % len(shares)] = 0.0
    theirs = {EXACT: lambda p, s: float(p % 7 != 3)}
    verdicts = [
        decide(
            compare(
                contract,
                measured(NEW, {EXACT: lambda p, s, v=values: v[p]}, range(len(shares))),
                measured(BASE, theirs, range(len(shares))),
                seed=None,
            )
        ).verdict
        for values in (shares, worse)
    ]
    assert BETTER_FIRST.index(verdicts[1]) >= BETTER_FIRST.index(verdicts[0])


def test_less_evidence_no_longer_beats_more() -> None:
    """28 prompts without a difference were INCONCLUSIVE, and GO once one of them was lost."""
    contract = endpoint([{"metric": EXACT, "margin": 0.1}])
    found = []
    for lost in (None, 5):
        new = measured(NEW, {EXACT: lambda p, s, lost=lost: float(p != lost)}, range(28))
        base = measured(BASE, {EXACT: lambda p, s: 1.0}, range(28))
        found.append(compare(contract, new, base).records()[0])
    assert [row["state"] for row in found] == ["undecided", "undecided"]
    assert found[1]["p_passed"] > found[0]["p_passed"] > 0.0475


def simulated_go(difference: float, prompts: int, runs: int, margin: float) -> float:
    """Share of simulated runs whose margin is shown to hold at a true difference, 4 seeds."""
    rng = np.random.default_rng([prompts, runs, int(1000 + 1000 * difference)])
    d = rng.normal(difference, 0.2, (runs, prompts)) + rng.normal(0, 0.1, (runs, prompts))
    found = [Estimate.of(run, (-1.0, 1.0)).p_at_least(-margin) for run in d.clip(-1, 1)]
    return float(np.mean(np.array(found) <= 0.05))


def test_false_go_at_the_margin_is_rare_and_true_go_common() -> None:
    """At exactly the margin GO comes in at most 5 % of runs; at no difference mostly."""
    assert 0.005 <= simulated_go(-0.1, 40, 1000, 0.1) <= 0.06
    assert simulated_go(0.0, 80, 300, 0.1) >= 0.75
