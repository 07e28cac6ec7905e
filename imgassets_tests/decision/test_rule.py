"""Every branch of the rule, on hand-made tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imgassets.decision import Comparison, Measured, Verdict, compare, decide
from imgassets.decision.errors import MissingIncumbentError, MixedRowsError
from imgassets.decision.rows import COLUMNS
from imgassets_tests.decision.factories import (
    BASE,
    NEW,
    Scores,
    coin,
    endpoint,
    measured,
    pattern,
)

EXACT = "typography.exact"
#: Level of the first look.
ALPHA = 0.0475


def run(
    criterion: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    new: Scores,
    base: Scores,
    prompts: int = 40,
    metric: str = EXACT,
    **contract: Any,
) -> Comparison:
    """Compares two made-up models on one metric."""
    criteria = [criterion] if isinstance(criterion, Mapping) else criterion
    return compare(
        endpoint(criteria, **contract),
        measured(NEW, {metric: new}, range(prompts)),
        measured(BASE, {metric: base}, range(prompts)),
    )


def row(comparison: Comparison, number: int = 0) -> dict[str, Any]:
    return comparison.records()[number]


def test_hand_computed_difference() -> None:
    """d_p = -.5, 0, -.5, 0, and one more at the end: random weights, 400,000 draws."""
    found = row(run({"metric": EXACT, "margin": 0.1}, pattern(0.5, 1.0), pattern(1.0), 4))
    assert found["difference"] == pytest.approx(-0.25)
    weights = np.random.default_rng(0).dirichlet(np.ones(5), 400_000)
    low, high = (weights @ [-0.5, 0.0, -0.5, 0.0, end] for end in (-1.0, 1.0))
    assert found["difference_lower"] == pytest.approx(np.quantile(low, ALPHA), abs=0.005)
    assert found["difference_upper"] == pytest.approx(np.quantile(high, 1 - ALPHA), abs=0.005)
    assert found["n_pairs"] == 4
    assert found["n_images"] == 8
    assert found["estimate"] == pytest.approx(0.75)
    assert found["incumbent_estimate"] == 1.0


def test_seeds_are_averaged_within_a_prompt_first() -> None:
    """Two seeds that cancel out leave d_p = 0, whatever the seeds say alone."""
    comparison = run(
        {"metric": EXACT, "margin": 0.2},
        lambda p, s: float(s == 1),
        lambda p, s: float(s == 2),
    )
    assert row(comparison)["difference"] == 0.0
    assert row(comparison)["difference_lower"] == pytest.approx(-(1 - ALPHA ** (1 / 40)), abs=1e-6)


def test_go() -> None:
    """Better on every prompt but a few: GO; the sentence says what was won, and nearly lost."""
    new, base = pattern(1, 1, 1, 0), pattern(1, 0, 1, 0)
    verdict = decide(run({"metric": EXACT, "floor": 0.5, "margin": 0.1}, new, base))
    assert verdict.verdict == "GO"
    assert verdict.needed_prompts is None
    assert verdict.sentence == (
        "GO: as good as tiny-base on 1 of 1 criteria (better on exact text), within the one other "
        "limit; closest: text is read exactly right in 75 % of images (at least 61 % with 95 % "
        "confidence); the contract asks for at least 50 %. All 40 prompts had something to judge."
    )
    assert verdict.decided_by == ()
    assert verdict.closest_criterion == "generate__typography_exact"


def test_no_go_by_margin_says_so_in_one_sentence() -> None:
    """31 % against 72 %, as in the brief of the product."""
    new = pattern(*[1.0] * 31, *[0.0] * 69)
    base = pattern(*[1.0] * 72, *[0.0] * 28)
    verdict = decide(run({"metric": EXACT, "margin": 0.1}, new, base, prompts=100))
    assert verdict.sentence == (
        "NO-GO: text is read exactly right in 31 % of images, 41 points below tiny-base (72 %); "
        "the contract allows 10 points."
    )
    assert verdict.verdict == "NO-GO"
    assert verdict.decided_by == ("generate__typography_exact",)


def test_no_go_by_floor() -> None:
    """Level with the incumbent is not enough where a floor is broken."""
    both = pattern(1, 0, 0, 0)
    verdict = decide(run({"metric": EXACT, "floor": 0.6, "margin": 0.1}, both, both))
    assert verdict.sentence == (
        "NO-GO: text is read exactly right in 25 % of images; the contract asks for at least 60 %."
    )


def test_inconclusive_tells_how_many_prompts() -> None:
    """Half the prompts swing both ways: the bound crosses the margin."""
    new, base = pattern(1, 0, 1, 0), pattern(0, 1, 1, 0)
    comparison = run({"metric": EXACT, "margin": 0.1}, new, base)
    verdict = decide(comparison)
    found = row(comparison)
    assert verdict.verdict == "INCONCLUSIVE"
    assert found["state"] == "undecided"
    assert found["passed"] is None
    # A second look has .00125: sd^2 = 20 / 39, (3.0233 + .8416)^2 * .5128 / .01 = 766, and some
    # for what was not seen.
    assert 0.97 * 766 < verdict.needed_prompts + 40 < 1.05 * 766
    assert f"About {verdict.needed_prompts} further prompts" in verdict.sentence


def test_noise_within_prompts_can_be_settled_by_seeds() -> None:
    """Differences that only seeds disagree on are settled by more seeds."""
    rng = np.random.default_rng(3)
    noise = {(p, s): float(rng.random() < 0.5) for p in range(40) for s in (1, 2)}
    comparison = run(
        {"metric": EXACT, "margin": 0.12}, lambda p, s: noise[p, s], lambda p, s: noise[p, 3 - s]
    )
    # swapping the two seeds makes every d_p exactly 0 while single images differ
    assert row(comparison)["state"] == "passed"
    other = run(
        {"metric": EXACT, "margin": 0.12},
        lambda p, s: noise[p, s],
        lambda p, s: noise[(p + 7) % 40, s],
    )
    assert row(other)["state"] == "undecided"
    assert decide(other).needed_seeds is not None


def test_review_replaces_go_only() -> None:
    """Reasons to look turn GO into REVIEW, and leave NO-GO alone."""
    good = run({"metric": EXACT, "margin": 0.1}, pattern(1, 1, 1, 0), pattern(1, 0, 1, 0))
    verdict = decide(good, ["pixels drifted in 3 images"])
    assert verdict.verdict == "REVIEW"
    assert "pixels drifted in 3 images" in verdict.sentence
    bad = run({"metric": EXACT, "margin": 0.1}, pattern(0), pattern(1))
    assert decide(bad, ["pixels drifted in 3 images"]).verdict == "NO-GO"


def test_warnings_never_decide() -> None:
    """A warning far below its floor is shown as broken, and the verdict stays GO."""
    comparison = compare(
        endpoint(
            [
                {"metric": EXACT, "margin": 0.1},
                {"metric": "typography.ned", "floor": 0.9, "severity": "warning"},
            ]
        ),
        measured(NEW, {EXACT: pattern(1), "typography.ned": pattern(0.1, 0.2)}, range(40)),
        measured(BASE, {EXACT: pattern(0), "typography.ned": pattern(0.9)}, range(40)),
    )
    assert row(comparison, 1)["state"] == "broken"
    assert decide(comparison).verdict == "GO"


def test_holm_protects_many_criteria() -> None:
    """A p-value of about .03 breaks one criterion alone, not one of eight."""
    new = pattern(*[1.0] * 30, *[0.0] * 10)
    base = pattern(*[1.0] * 37, *[0.0] * 3)
    alone = run({"metric": EXACT, "margin": 0.03}, new, base, prompts=40)
    p = row(alone)["p_broken"]
    assert 0.01 < p < 0.05
    assert row(alone)["state"] == "broken"
    more = [
        {"metric": m, "margin": 0.3}
        for m in ("typography.ned", "composition.correct", "composition.size", "artefacts.clean")
    ]
    everything = {EXACT: new} | {m["metric"]: pattern(1, 0.9) for m in more}
    theirs = {EXACT: base} | {m["metric"]: pattern(0.9, 1) for m in more}
    together = compare(
        endpoint([{"metric": EXACT, "margin": 0.03}, *more]),
        measured(NEW, everything, range(40)),
        measured(BASE, theirs, range(40)),
    )
    assert row(together)["p_broken"] == pytest.approx(p)
    assert row(together)["p_broken_holm"] == pytest.approx(5 * p)
    assert row(together)["state"] == "undecided"
    said = "judged alone that would be shown to break the limit"
    assert said in row(together)["reason"]
    assert said not in row(alone)["reason"]


def test_unanimous_zero_differences_need_enough_prompts() -> None:
    """The same scores on 24 prompts cannot rule out a 10-point loss; on 29 they can."""
    criterion = {"metric": EXACT, "margin": 0.1}
    few = run(criterion, pattern(1), pattern(1), prompts=24)
    assert decide(few).verdict == "INCONCLUSIVE"
    # .9 ** 64 is the first below .00125, the level of a second look.
    assert decide(few).needed_prompts == 64 - 24
    assert decide(run(criterion, pattern(1), pattern(1), prompts=29)).verdict == "GO"


def test_shares_that_exceed_one_have_no_ends() -> None:
    """A character error rate of 150 % is above a ceiling of 100 %, not cut off at it."""
    criterion = {"metric": "typography.cer", "ceiling": 0.9}
    worse = run(criterion, pattern(1.5, 1.4), pattern(0.1), metric="typography.cer")
    assert row(worse)["lower"] > 1.0
    assert decide(worse).verdict == "NO-GO"
    fine = run(criterion, pattern(0.1, 0.2), pattern(0.1), metric="typography.cer")
    assert decide(fine).verdict == "INCONCLUSIVE"  # one rare image could have added a page
    assert "statistic: worst" in decide(fine).sentence
    worst = criterion | {"statistic": "worst", "ceiling": 1.0}
    bounded = run([criterion, worst], pattern(0.1, 0.2), pattern(0.1), metric="typography.cer")
    assert decide(bounded).verdict == "GO"


def test_a_scale_ends_at_the_worst_limit_of_its_contract() -> None:
    """40 prompts at 0.2: a ceiling of .22 holds where no image may be worse than .3, and does not
    where an image may be all wrong."""
    ceiling = {"metric": "typography.cer", "ceiling": 0.22}
    for worst, verdict in ((0.3, "GO"), (1.0, "INCONCLUSIVE")):
        limits = [ceiling, {"metric": "typography.cer", "ceiling": worst, "statistic": "worst"}]
        found = run(limits, pattern(0.2), pattern(0.1), metric="typography.cer")
        assert decide(found).verdict == verdict


def test_the_incumbent_is_held_to_floors_only() -> None:
    """Its own margin does not apply; its floor does."""
    contract = endpoint([{"metric": EXACT, "margin": 0.1}])
    base = measured(BASE, {EXACT: pattern(0, 0, 1)}, range(30))
    assert decide(compare(contract, base)).verdict == "GO"
    assert row(compare(contract, base))["passed"] is True
    contract = endpoint([{"metric": EXACT, "margin": 0.1, "floor": 0.8}])
    assert decide(compare(contract, base)).verdict == "NO-GO"
    contract = endpoint([{"metric": EXACT, "margin": 0.1, "floor": 0.3}])
    assert "further prompts would settle it" in decide(compare(contract, base)).sentence


def test_a_candidate_needs_its_incumbent() -> None:
    contract = endpoint([{"metric": EXACT, "margin": 0.1}])
    new = measured(NEW, {EXACT: pattern(1)}, range(3))
    with pytest.raises(MissingIncumbentError, match="measure it on the same prompts"):
        compare(contract, new)
    with pytest.raises(MixedRowsError):
        compare(contract, new, measured("tiny-other", {EXACT: pattern(1)}, range(3)))


def test_too_few_pairs_are_inconclusive_with_the_reason() -> None:
    """One shared prompt has no error bar, so nothing is decided, and nothing reads 0."""
    contract = endpoint([{"metric": EXACT, "margin": 0.1}])
    comparison = compare(
        contract,
        measured(NEW, {EXACT: pattern(1)}, range(10)),
        measured(BASE, {EXACT: pattern(1)}, range(9, 30)),
    )
    verdict = decide(comparison)
    assert verdict.verdict == "INCONCLUSIVE"
    assert "only 1 prompt(s) have a usable image from both models" in verdict.sentence
    assert verdict.sentence.endswith(
        "Measure more first: all models on the same prompts and seeds."
    )
    assert row(comparison)["difference"] is None
    assert row(comparison)["difference_lower"] is None


def test_nothing_measured_is_inconclusive() -> None:
    contract = endpoint([{"metric": EXACT, "floor": 0.5}, {"metric": "cost.seconds", "ceiling": 1,
                         "statistic": "worst"}])  # fmt: skip
    new = measured(NEW, {"typography.ned": pattern(1)}, range(10))
    base = measured(BASE, {EXACT: pattern(1)}, range(10))
    comparison = compare(contract, new, base)
    assert [r["state"] for r in comparison.records()[:2]] == ["undecided", "undecided"]
    assert decide(comparison).verdict == "INCONCLUSIVE"


def test_only_warnings_decide_nothing() -> None:
    """Failures still gate; a contract of warnings with none is still judged by them."""
    comparison = run({"metric": EXACT, "floor": 0.9, "severity": "warning"}, pattern(0), pattern(0))
    assert decide(comparison).verdict == "GO"
    assert decide(comparison).closest_criterion == "generate__failures_other"


def test_table_and_verdict_are_plain_data() -> None:
    """The columns are those documented; both survive JSON, and Parquet keeps the table."""
    comparison = run({"metric": EXACT, "floor": 0.5, "margin": 0.1}, pattern(1), pattern(1, 0))
    assert tuple(comparison.table.columns) == COLUMNS
    verdict = decide(comparison)
    assert Verdict.model_validate(json.loads(json.dumps(verdict.to_dict()))) == verdict
    json.dumps(comparison.records(), allow_nan=False)
    entry = verdict.to_dict()["criteria"][0]
    assert {"metric", "value", "floor", "margin", "passed", "reason"} <= set(entry)
    assert "ceiling" not in entry


def test_the_table_survives_parquet(tmp_path: Any) -> None:
    """A verdict read from a stored table is the verdict of the fresh one."""
    comparison = run({"metric": EXACT, "margin": 0.1}, pattern(1, 0, 1, 0), pattern(0, 1, 1, 0))
    comparison.table.to_parquet(tmp_path / "table.parquet")
    again = Comparison(
        comparison.endpoint,
        comparison.model,
        comparison.incumbent,
        pd.read_parquet(tmp_path / "table.parquet"),
    )
    assert decide(again) == decide(comparison)


def test_rows_of_another_endpoint_are_refused() -> None:
    new = measured(NEW, {EXACT: pattern(1)}, range(3))
    stray = Measured(NEW, new.rows.assign(endpoint="elsewhere"), new.images)
    with pytest.raises(MixedRowsError, match="elsewhere"):
        compare(endpoint(), stray, measured(BASE, {EXACT: pattern(1)}, range(3)))


def test_a_broken_floor_is_told_even_where_the_margin_cannot_be_judged() -> None:
    new = measured(NEW, {EXACT: pattern(0.0)}, range(40))
    base = measured(BASE, {EXACT: lambda p, s: None}, range(40))
    contract = endpoint([{"metric": EXACT, "floor": 0.8, "margin": 0.05}])
    verdict = decide(compare(contract, new, base))
    assert verdict.verdict == "NO-GO"
    assert "cannot be judged" not in verdict.sentence
    assert "asks for at least 80 %" in verdict.sentence


def test_two_prompts_that_agree_are_no_certainty() -> None:
    """120 dB twice: with 95 % confidence three of four prompts could still be at 0 dB."""
    new = measured(NEW, {"edit_stability.psnr_outside": pattern(120.0)}, range(2), flow="edit")
    contract = endpoint([{"metric": "edit_stability.psnr_outside", "flow": "edit", "floor": 40}])
    found = compare(contract, new, new_as_base(new))
    assert row(found)["lower"] == pytest.approx(120 * ALPHA ** (1 / 2), abs=1e-4)
    assert decide(found).verdict == "INCONCLUSIVE"


def new_as_base(measured_new: Measured) -> Measured:
    """The same measurements as those of the incumbent."""
    return Measured(
        BASE, measured_new.rows.assign(model=BASE), measured_new.images.assign(model=BASE)
    )


def test_more_seeds_are_more_than_there_are() -> None:
    """Planned with a chance of 80 %, so every fifth plan fails; then only more prompts help."""
    named = []
    for draw in range(60):
        new = coin(0.98, draw, 1000)
        found = run({"metric": EXACT, "floor": 0.93}, new, new, prompts=60)
        named += [row["needed_seeds"] for row in found.records() if row["needed_seeds"]]
    assert named
    assert min(named) > 2
