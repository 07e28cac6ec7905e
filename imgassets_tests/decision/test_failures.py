"""Failures are counted, never scored."""

from __future__ import annotations

import pandas as pd
import pytest

from imgassets.decision import Measured, compare, decide
from imgassets.decision.formatting import quoted
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured

EXACT = "typography.exact"
#: Level of the first look.
ALPHA = 0.0475


def judged(failed: dict[tuple[int, int], str], prompts: int = 60, **contract: object):
    """A candidate that is right whenever it does not fail, against an incumbent always right."""
    new = measured(NEW, {EXACT: lambda p, s: 1.0}, range(prompts), failed=failed)
    base = measured(BASE, {EXACT: lambda p, s: 1.0}, range(prompts))
    return compare(endpoint([{"metric": EXACT, "margin": 0.1}], **contract), new, base)


def failure_rows(comparison) -> dict[str, dict]:
    return {r["criterion"]: r for r in comparison.records() if r["source"] == "failure"}


def test_a_mode_the_contract_does_not_name_may_not_occur() -> None:
    comparison = judged({(3, 1): "blank"})
    verdict = decide(comparison)
    assert verdict.sentence == (
        "NO-GO: 1 of 120 requests gave a blank image; the contract allows none."
    )
    assert failure_rows(comparison)["generate__failures_blank"]["hard"] is True


def test_what_was_never_begun_for_want_of_its_source_is_not_counted_again() -> None:
    """Two generated images fail, and so their edits are never begun: two failures, not four."""
    sides = []
    for model in (NEW, BASE):
        failed = {(0, 1): "backend_error", (1, 1): "backend_error"} if model == NEW else {}
        made = measured(model, {EXACT: lambda p, s: 1.0}, range(120), failed=failed)
        edits = made.images.assign(
            flow="edit", source_key=made.images["image_key"], image_key="e" + made.images.image_key
        )
        edits["status"] = edits["status"].where(edits["status"] == "ok", "source_missing")
        images = pd.concat([made.images, edits], ignore_index=True)
        sides.append(Measured(model, made.rows, images))
    modes = [{"mode": "backend_error", "max_rate": 0.05}]
    contract = endpoint([{"metric": EXACT, "margin": 0.1}], failure_modes=modes)
    comparison = compare(contract, *sides)
    found = failure_rows(comparison)
    assert found["generate__failures_backend_error"]["n_failed"] == 2
    assert "edit__failures_source_missing" not in found
    assert decide(comparison).verdict == "GO"
    sides[0].images.loc[sides[0].images["flow"] == "generate", "status"] = "ok"
    lost = failure_rows(compare(contract, *sides))  # the sources were made, and are gone
    assert lost["edit__failures_source_missing"]["state"] == "undecided"


def test_no_failure_holds_the_hard_rule_and_shows_its_bound() -> None:
    """None in 60 prompts bounds the rate at 5 %, which is shown and does not block GO."""
    comparison = judged({})
    other = failure_rows(comparison)["generate__failures_other"]
    assert other["upper"] == pytest.approx(1 - ALPHA ** (1 / 60), abs=1e-6)
    assert other["state"] == "passed"
    assert decide(comparison).verdict == "GO"


def test_a_failed_image_is_a_zero_and_both_numbers_are_told() -> None:
    """Right whenever it delivers, and 3 of 120 are not delivered: 97.5 %, not 100."""
    comparison = judged(
        {(0, 1): "backend_error", (1, 1): "backend_error", (1, 2): "backend_error"},
        failure_modes=[{"mode": "backend_error", "max_rate": 0.2}],
    )
    score = comparison.records()[0]
    assert score["estimate"] == pytest.approx(117 / 120)
    assert score["delivered"] == 1.0
    assert score["difference"] == pytest.approx(-3 / 120)
    assert (score["n_images"], score["n_failed"], score["n_pairs"]) == (117, 3, 60)
    assert "in 98 % of images asked for (100 % of those delivered)" in score["reason"]
    assert failure_rows(comparison)["generate__failures_backend_error"]["state"] == "passed"


def test_a_model_that_fails_on_hard_prompts_is_not_flattered() -> None:
    """It is right in 85 % of what it delivers and delivers nothing on the hardest 8 %."""
    right = {(p, s): "backend_error" for p in range(16) for s in (1, 2)}
    new = measured(NEW, {EXACT: lambda p, s: float(p % 20 > 2)}, range(200), failed=right)
    base = measured(BASE, {EXACT: lambda p, s: 1.0}, range(200))
    modes = [{"mode": "backend_error", "max_rate": 0.15}]
    contract = endpoint([{"metric": EXACT, "floor": 0.8}], failure_modes=modes)
    score = compare(contract, new, base).records()[0]
    assert score["delivered"] > 0.85
    assert score["estimate"] < 0.8
    assert score["state"] != "passed"


@pytest.mark.parametrize("mode", ["source_missing", "bad_document", "budget_exhausted"])
def test_what_is_no_fault_of_the_model_is_no_zero(mode: str) -> None:
    score = judged({(p, 1): mode for p in range(10)}).records()[0]
    assert score["estimate"] == 1.0
    assert score["delivered"] is None


def test_flows_are_judged_each_by_its_own_requests() -> None:
    """Generate fails in 10 % against a limit of 5; edits that never fail do not dilute it."""
    sides = []
    for model in (NEW, BASE):
        failed = {(p, 1): "backend_error" for p in range(60)} if model == NEW else {}
        made = measured(model, {EXACT: lambda p, s: 1.0}, range(300), failed=failed)
        edits = [
            measured(model, {EXACT: lambda p, s: 1.0}, range(300), (1, 2, 3, 4), flow=flow)
            for flow in ("edit",)
        ]
        images = pd.concat([made.images, *(e.images for e in edits)], ignore_index=True)
        sides.append(Measured(model, made.rows, images))
    modes = [{"mode": "backend_error", "max_rate": 0.05}]
    contract = endpoint([{"metric": EXACT, "floor": 0.1}], failure_modes=modes)
    found = failure_rows(compare(contract, *sides))
    assert found["generate__failures_backend_error"]["state"] == "broken"
    assert found["edit__failures_backend_error"]["state"] == "passed"
    assert found["edit__failures_backend_error"]["n_failed"] == 0


@pytest.mark.parametrize(("each", "state"), [(0, "passed"), (4, "passed"), (12, "broken")])
def test_all_modes_may_be_bounded_together(each: int, state: str) -> None:
    """Three modes, none of them listed: what counts is their sum, against 5 %."""
    modes = ("blank", "backend_error", "refused_safety")
    failed = {
        (20 * m + p, s): mode for m, mode in enumerate(modes) for p in range(each) for s in (1, 2)
    }
    comparison = judged(failed, 600, failures={"total": 0.05})
    found = failure_rows(comparison)
    assert set(found) == {"generate__failures_total"}
    assert found["generate__failures_total"]["n_failed"] == 6 * each
    assert found["generate__failures_total"]["state"] == (state if each != 12 else "undecided")


def test_prompts_that_fail_whole_count_as_prompts() -> None:
    """None of 40 x 4 requests failed: prompts that fail whole are bounded at 7.3 %, not 1.9."""
    new = measured(NEW, {EXACT: lambda p, s: 1.0}, range(40), (1, 2, 3, 4))
    base = measured(BASE, {EXACT: lambda p, s: 1.0}, range(40), (1, 2, 3, 4))
    modes = [{"mode": "blank", "max_rate": 0.02}]
    contract = endpoint([{"metric": EXACT, "floor": 0.5}], (1, 2, 3, 4), failure_modes=modes)
    blank = failure_rows(compare(contract, new, base))["generate__failures_blank"]
    assert blank["upper"] == pytest.approx(1 - ALPHA ** (1 / 40), abs=1e-6)
    assert blank["state"] == "undecided"


@pytest.mark.parametrize(
    ("count", "state"), [(0, "passed"), (2, "undecided"), (5, "undecided"), (30, "broken")]
)
def test_rates_are_judged_by_exact_bounds(count: int, state: str) -> None:
    """At most 5 % of 140 requests: 0 is shown to hold, 30 to be broken, 2 and 5 are neither."""
    comparison = judged(
        {(p, 1): "backend_error" for p in range(count)},
        70,
        failure_modes=[{"mode": "backend_error", "max_rate": 0.05}],
    )
    found = failure_rows(comparison)["generate__failures_backend_error"]
    assert found["state"] == state
    assert found["n_failed"] == count


def test_an_unsettled_rate_tells_how_many_prompts() -> None:
    """None in 60 prompts does not bound 1 %; none in 666 does, at a second look's level."""
    comparison = judged({}, failure_modes=[{"mode": "blank", "max_rate": 0.01}])
    verdict = decide(comparison)
    assert verdict.verdict == "INCONCLUSIVE"
    assert verdict.needed_prompts == 666 - 60  # .99 ** 666 <= .00125


@pytest.mark.parametrize(
    "mode", ["budget_exhausted", "in_progress", "unauthorized", "out_of_credit"]
)
def test_a_model_that_was_never_asked_is_not_rejected(mode: str) -> None:
    """Nothing is known of those images, so it is neither GO nor NO-GO."""
    verdict = decide(judged({(p, 1): mode for p in range(40)}))
    assert verdict.verdict == "INCONCLUSIVE"
    assert "never asked" in verdict.sentence
    assert "Measure more first" in verdict.sentence
    rejected = decide(judged({(0, 1): mode, (1, 1): "refused_safety"}))
    assert rejected.verdict == "NO-GO"


@pytest.mark.parametrize(
    "mode",
    ["bad_document", "machine_error", "out_of_memory", "source_missing", "bad_request",
     "unreachable", "prompt_too_long"],
)  # fmt: skip
@pytest.mark.parametrize("allowed", [None, 0.0, 0.05])
def test_documents_and_machines_make_no_no_go(mode: str, allowed: float | None) -> None:
    """Whatever the contract allows, and however many fail; what failed is said first."""
    modes = [] if allowed is None else [{"mode": mode, "max_rate": allowed}]
    for count in (1, 40, 60):
        failed = {(p, s): mode for p in range(count) for s in (1, 2)}
        verdict = decide(judged(failed, failure_modes=modes))
        if allowed and count == 1:  # 2 of 120 against 5 %: open as any rate
            assert verdict.verdict == "INCONCLUSIVE"
            continue
        assert verdict.verdict == "INCONCLUSIVE"
        assert verdict.sentence.startswith(f"INCONCLUSIVE: {2 * count} of 120 requests ")
        assert verdict.decided_by[0] == f"generate__failures_{mode}"
        assert "Mend that first, then validate again." in verdict.sentence
        assert "no fault of the model" in verdict.sentence


def test_a_fault_of_ours_hides_no_fault_of_the_model() -> None:
    verdict = decide(judged({(0, 1): "bad_document", (1, 1): "backend_error"}))
    assert verdict.verdict == "NO-GO"
    assert verdict.decided_by == ("generate__failures_backend_error",)


def test_the_sentence_says_what_the_backend_said() -> None:
    """The most common message, on one line, cut where it is long; blank images say nothing."""
    comparison = judged({(0, 1): "backend_error", (1, 1): "backend_error", (1, 2): "backend_error"})
    assert decide(comparison).sentence == (
        'NO-GO: 3 of 120 requests ended in an error of the backend ("backend_error on p0001"); '
        "the contract allows none."
    )
    assert quoted("backend_error", ["IndexError:\n  out of range."]) == (
        ' ("IndexError: out of range")'
    )
    assert len(quoted("bad_document", ["word " * 200])) < 250
    assert quoted("blank", ["one flat color"]) == ""
    assert quoted("backend_error", []) == ""


def test_everything_failed_is_not_a_score() -> None:
    """Every image is a 0 of those asked for, and there is no number of those delivered."""
    comparison = judged({(p, s): "non_finite" for p in range(60) for s in (1, 2)})
    score = comparison.records()[0]
    assert score["estimate"] == 0.0
    assert score["delivered"] is None
    assert score["n_images"] == 0
    assert decide(comparison).verdict == "NO-GO"


def test_no_requests_at_all_are_inconclusive() -> None:
    comparison = compare(
        endpoint([{"metric": EXACT, "margin": 0.1}]),
        empty(NEW),
        measured(BASE, {EXACT: lambda p, s: 1.0}, range(5)),
    )
    assert decide(comparison).verdict == "INCONCLUSIVE"


def empty(model: str):
    """Tables with their columns and no row."""
    full = measured(model, {EXACT: lambda p, s: 1.0}, range(1))
    return type(full)(model, full.rows.iloc[:0], full.images.iloc[:0])
