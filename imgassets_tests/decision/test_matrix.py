"""The cost and quality matrix: hand-computed costs, bills and fronts."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from imgassets.decision import Measured, compare
from imgassets.decision.matrix import Standing, cost_quality_matrix, pareto_front
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured, noisy

TRAFFIC = {
    "busiest_hour": 360,
    "workers": 1,
    "batch": 1,
    "per_month": {"generate": 1000, "edit": 100},
}
CRITERIA = [
    {"metric": "typography.exact", "floor": 0.2},
    {"metric": "cost.seconds", "ceiling": 9},
]


def both_flows(model: str, seconds: float, usd: float) -> Measured:
    """Edits take twice as long, and more memory."""
    parts = [
        measured(
            model,
            {
                "typography.exact": lambda p, s: float(p % 2),
                "cost.seconds": noisy(seconds * factor, 0.01, 5),
                "cost.usd": lambda p, s, f=factor: usd * f,
                "cost.peak_memory": lambda p, s, f=factor: 100.0 * f + p,
            },
            range(40),
            flow=flow,
        )
        for flow, factor in (("generate", 1), ("edit", 2))
    ]
    return Measured(
        model,
        pd.concat([p.rows for p in parts], ignore_index=True),
        pd.concat([p.images for p in parts], ignore_index=True),
    )


def standings(**traffic: object) -> dict[str, Standing]:
    contract = endpoint(CRITERIA, traffic=TRAFFIC | traffic)
    models = {BASE: both_flows(BASE, 4.0, 0.04), NEW: both_flows(NEW, 1.0, 0.01)}
    compared = {m: compare(contract, mine, models[BASE]) for m, mine in models.items()}
    return {s.model: s for s in cost_quality_matrix(contract, models, compared)}


def test_an_edit_flow_costs_the_image_it_starts_from_as_well() -> None:
    base = standings()[BASE]
    edited = base.delivered("edit")
    assert edited is not None
    assert edited.usd == pytest.approx(0.04 + 0.08)
    assert edited.seconds == pytest.approx(4.0 + 8.0, rel=0.01)
    assert edited.peak_memory == 239.0  # the worst image of both steps
    assert base.delivered("upscale") is None


def test_a_month_is_volume_times_price_of_each_step() -> None:
    base, new = standings()[BASE], standings()[NEW]
    assert base.month == pytest.approx({"generate": 40.0, "edit": 8.0})
    assert sum(base.month.values()) == pytest.approx(4 * sum(new.month.values()))


def test_the_slower_model_makes_people_wait() -> None:
    """0.1 requests a second: 4 s a request is a load of .4, 1 s of .1; a third of the time no."""
    base, new = standings()[BASE], standings()[NEW]
    assert base.waiting is not None
    assert new.waiting is not None
    assert base.waiting.utilization == pytest.approx(0.4, rel=0.01)
    assert base.waiting.p95 > 2 * new.waiting.p95
    buried = standings(busiest_hour=3600)[BASE].waiting
    assert buried is not None
    assert buried.p95 is None


def test_quality_is_what_the_comparison_says_and_costs_are_no_quality() -> None:
    base = standings()[BASE]
    assert list(base.qualities) == ["generate__typography_exact"]
    quality = base.qualities["generate__typography_exact"]
    assert quality.estimate == pytest.approx(0.5)
    assert quality.lower < 0.5 < quality.upper


def test_images_of_one_batch_count_once_for_its_speed() -> None:
    """80 images of 8 batches are 8 measurements: too few for a bound on p95."""
    mine = both_flows(NEW, 1.0, 0.01)
    chosen = mine.rows["metric"] == "cost.seconds"
    batch = mine.rows.groupby(["metric", "flow"]).cumcount() // 10
    shared = mine.rows.assign(value=mine.rows["value"].where(~chosen, 1.0 + batch / 100))
    contract = endpoint(CRITERIA, traffic=TRAFFIC)
    (alone,) = cost_quality_matrix(contract, {NEW: dataclasses.replace(mine, rows=shared)}, {})
    assert alone.speed is not None
    assert alone.speed.batches == 8
    assert alone.speed.p95_upper is None
    apart = standings()[NEW].speed
    assert apart is not None
    assert apart.batches == 80
    assert apart.p95_upper is not None
    assert apart.p95 <= apart.p95_upper <= apart.worst


def test_nothing_measured_leaves_gaps_not_zeros() -> None:
    nothing = measured(NEW, {"typography.exact": lambda p, s: 1.0}, range(4))
    (standing,) = cost_quality_matrix(endpoint(CRITERIA, traffic=TRAFFIC), {NEW: nothing}, {})
    assert standing.speed is None
    assert standing.waiting is None
    assert standing.steps == {}
    assert standing.month == {}


def test_times_that_nobody_told_are_gaps_beside_known_prices() -> None:
    scores = {
        "cost.seconds": lambda p, s: float("nan"),
        "cost.usd": lambda p, s: 0.04,
        "cost.peak_memory": lambda p, s: 1.0,
    }
    untold = measured(NEW, scores, range(4))
    (standing,) = cost_quality_matrix(endpoint(CRITERIA, traffic=TRAFFIC), {NEW: untold}, {})
    assert standing.speed is None
    assert standing.waiting is None
    assert standing.steps["generate"].seconds is None
    assert standing.steps["generate"].usd == pytest.approx(0.04)
    assert standing.month == {"generate": pytest.approx(40.0)}
    assert (standing.steps["generate"] + standing.steps["generate"]).seconds is None


def test_the_front_is_what_nobody_beats() -> None:
    """Dear and bad is beaten; equal points both stand; dearer and no better is beaten."""
    assert pareto_front([(3, 0.9), (1, 0.5), (2, 0.7), (2, 0.6), (4, 0.9)]) == [1, 2, 0]
    assert pareto_front([(1, 0.5), (1, 0.5)]) == [0, 1]
    assert pareto_front([]) == []
