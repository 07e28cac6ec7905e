"""What sends a model to a person, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from imgassets.decision import Comparison, Measured, Verdict, compare, decide
from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Criterion
from imgassets_tests.decision.factories import BASE, NEW, Scores, endpoint, measured, noisy

CLEAN, EXACT, WORDS = "artefacts.clean", "typography.exact", "typography.words"
LIGHT = "look.lightness"


def run(metrics: dict[str, Any], base: dict[str, Any] | None = None, **contract: Any) -> Comparison:
    written = endpoint([{"metric": CLEAN, "floor": 0.5}], **contract)
    fine = {CLEAN: lambda p, s: 1.0}
    return compare(
        written,
        measured(NEW, fine | metrics, range(60)),
        measured(BASE, fine | (base or metrics), range(60)),
    )


@pytest.mark.parametrize(("step", "verdict"), [(0.0, "GO"), (3.0, "REVIEW"), (-3.0, "REVIEW")])
def test_a_step_of_the_look_either_way(step: float, verdict: str) -> None:
    """Lightness 3 L* up or down is beyond 1; none is not; the sentence says which way."""
    found = decide(
        run(
            {LIGHT: lambda p, s: noisy(90, 1, 1)(p, s) + step},
            {LIGHT: noisy(90, 1, 2)},
            flows=["generate"],
            review={"look": {"lightness": 1}},
        )
    )
    assert found.verdict == verdict
    if step:
        assert found.decided_by == ("generate__look_lightness",)
        assert ("above" if step > 0 else "below") + f" {BASE}" in found.sentence
        assert found.review_reasons[0] in found.sentence


def test_two_sides_are_each_judged_at_alpha() -> None:
    """Equivalence by two one-sided tests: 0 +- 1 passes 1.5, is undecided at 0.2, broken never."""
    metrics, base = {LIGHT: noisy(90, 3, 1)}, {LIGHT: noisy(90, 3, 2)}
    states = [
        run(metrics, base, flows=["generate"], review={"look": {"lightness": m}}).records()[1]
        for m in (1.5, 0.2)
    ]
    assert [s["state"] for s in states] == ["passed", "undecided"]


@pytest.mark.parametrize(("bad", "verdict"), [(0, "GO"), (2, "REVIEW")])
def test_near_a_limit(bad: int, verdict: str) -> None:
    """54 of 60 clean stands 40 points clear of a floor of .5; with `within: .45` a person looks."""
    scores = {CLEAN: lambda p, s: float(p % 10 != 0)}
    review = {"near": [{"metric": CLEAN, "within": 0.45 if bad else 0.3}]}
    found = decide(run(scores, scores, review=review))
    assert found.verdict == verdict
    if bad:
        assert found.decided_by == ("generate__artefacts_clean__near",)
        said = "90 % of images are free of defects, only 40 points from the floor of 50 %"
        assert said in found.sentence


def test_a_limit_that_nothing_was_held_against_is_not_passed() -> None:
    """No image of the metric, so no number to be near the floor: undecided, and nobody is asked."""
    written = endpoint(
        [{"metric": CLEAN, "floor": 0.5}, {"metric": EXACT, "floor": 0.5}],
        review={"near": [{"metric": EXACT, "within": 0.1}]},
    )
    comparison = compare(written, measured(BASE, {CLEAN: lambda p, s: 1.0}, range(60)))
    (near,) = (r for r in comparison.records() if r["criterion"].endswith("__near"))
    assert (near["state"], near["passed"], near["estimate"]) == ("undecided", None, None)
    assert near["reason"].startswith("exact text was not measured")
    assert decide(comparison).review_reasons == ()


@pytest.mark.parametrize(("every", "verdict"), [(60, "GO"), (3, "REVIEW")])
def test_metrics_that_contradict_each_other(every: int, verdict: str) -> None:
    """On a third of the prompts the words are all there and the text is not exact; 10 % may be."""
    metrics = {EXACT: lambda p, s: float(p % every != 0), WORDS: lambda p, s: 1.0}
    review = {"disagree": [{"metrics": [EXACT, WORDS], "max_rate": 0.1}]}
    found = decide(run(metrics, review=review))
    assert found.verdict == verdict
    if verdict == "REVIEW":
        assert "contradict each other on 33 % of images" in found.sentence


def test_counts_stay_whole_beside_a_contradiction() -> None:
    """A count missing in one row made those of all others floats: "60.0 prompts, 3.0 failed"."""
    written = endpoint(
        [{"metric": EXACT, "floor": 0.5}],
        flows=["generate"],
        review={"disagree": [{"metrics": [EXACT, WORDS], "max_rate": 0.1}]},
    )
    failed = {(1, 1): "blank", (1, 2): "blank", (2, 1): "blank"}
    for metrics, together in (([EXACT], [0, 0, 3]), ([EXACT, WORDS], [59, 117, 3])):
        scores = dict.fromkeys(metrics, lambda p, s: 1.0)
        rows = compare(written, measured(BASE, scores, range(60), failed=failed)).records()
        counts = [[row[f"n_{what}"] for what in ("prompts", "images", "failed")] for row in rows]
        assert counts[:2] == [[59, 117, 3], together]
        assert all(type(count) is int for row in counts for count in row)


def test_too_little_to_contradict_asks_nobody() -> None:
    review = {"disagree": [{"metrics": [EXACT, WORDS], "max_rate": 0.1}]}
    comparison = run({EXACT: lambda p, s: 1.0}, review=review)
    assert decide(comparison).verdict == "GO"
    assert comparison.records()[1]["state"] == "undecided"


def test_drift_cannot_be_settled_by_more_images() -> None:
    """Undecided with drift asks for a person; broken stays NO-GO."""
    written = endpoint([{"metric": CLEAN, "floor": 0.9}], flows=["generate"])

    def found(score: Scores) -> Verdict:
        model = measured(BASE, {CLEAN: score}, range(12))
        return decide(compare(written, model), drift=("drift of base",))

    undecided = found(lambda p, s: float(p != 3))
    assert undecided.verdict == "REVIEW"
    assert "drift of base" in undecided.sentence
    assert undecided.needed_prompts is None
    assert found(lambda p, s: 0.0).verdict == "NO-GO"


def test_review_never_softens_a_no_go() -> None:
    scores = {CLEAN: lambda p, s: float(p % 2), LIGHT: lambda p, s: 50.0 + p % 3}
    written = endpoint(
        [{"metric": CLEAN, "floor": 0.9}], flows=["generate"], review={"look": {"lightness": 1}}
    )
    light = {CLEAN: lambda p, s: 1.0, LIGHT: lambda p, s: 90.0 + p % 3}
    found = decide(
        compare(written, measured(NEW, scores, range(60)), measured(BASE, light, range(60)))
    )
    assert found.verdict == "NO-GO"
    assert found.review_reasons


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"look": {"colour": 1}}, "unknown look 'colour'"),
        ({"look": {"repeated": 1}}, "unknown look 'repeated'"),
        ({"near": [{"metric": EXACT, "within": 0.1}]}, "no criterion on the mean"),
        ({"disagree": [{"metrics": ["cost.usd", EXACT], "max_rate": 0.1}]}, "no share of images"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_review_says_what_is_wrong_with_it(part: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        endpoint([{"metric": CLEAN, "floor": 0.5}], review=part)


def test_a_look_has_no_better_side() -> None:
    for limit in ({"floor": 1.0}, {"ceiling": 1.0}, {"margin": 1.0, "statistic": "worst"}):
        with pytest.raises(ValidationError, match="neither way is better"):
            Criterion.model_validate({"metric": LIGHT, **limit})


def test_look_stands_for_criteria_on_every_flow() -> None:
    written: Endpoint = endpoint(review={"look": {"lightness": 1, "noise": 2}})
    asked = [(c.name, c.margin) for c in written.all_criteria if c.severity == "review"]
    assert asked == [
        ("generate__look_lightness", 1.0),
        ("generate__look_noise", 2.0),
        ("edit__look_lightness", 1.0),
        ("edit__look_noise", 2.0),
    ]


@pytest.mark.parametrize(("unjudged", "verdict"), [(0, "GO"), (1, "GO"), (4, "REVIEW")])
def test_images_that_no_judge_could_judge_send_to_a_person(unjudged: int, verdict: str) -> None:
    """They are no part of the mean, so a model must not pass by what could not be looked at."""
    sides = []
    for model in (NEW, BASE):
        made = measured(model, {EXACT: lambda p, s: 1.0}, range(60))
        rows = made.rows.reset_index(drop=True).assign(reason="")
        if model == NEW:
            where = rows.index[rows["metric"] == EXACT][:unjudged]
            rows.loc[where, "value"] = float("nan")
            rows.loc[where, "reason"] = "cannot be judged: the verdict hangs on a faint star"
        sides.append(Measured(model, rows, made.images))
    contract = endpoint([{"metric": EXACT, "floor": 0.5, "margin": 0.2}])
    found = decide(compare(contract, *sides))
    assert found.verdict == verdict
    assert (f"{unjudged} of 120 images cannot be judged" in found.sentence) == (unjudged == 4)
