"""Failures are counted, never scored."""

from __future__ import annotations

import pandas as pd
import pytest

from imgassets.decision import Measured, compare, decide
from imgassets.decision.wording import quoted
from imgassets_tests.decision.made_up import BASE, NEW, endpoint, measured

EXACT = "typography.exact"


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
    assert failure_rows(comparison)["failures__blank"]["hard"] is True


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
    assert found["failures__backend_error"]["n_failed"] == 2
    assert "failures__source_missing" not in found
    assert decide(comparison).verdict == "GO"
    sides[0].images.loc[sides[0].images["flow"] == "generate", "status"] = "ok"
    lost = failure_rows(compare(contract, *sides))  # the sources were made, and are gone
    assert lost["failures__source_missing"]["state"] == "undecided"


def test_no_failure_holds_the_hard_rule_and_shows_its_bound() -> None:
    """None in 120 bounds the rate at 2.5 %, which is shown and does not block GO."""
    comparison = judged({})
    other = failure_rows(comparison)["failures__other"]
    assert other["upper"] == pytest.approx(1 - 0.05 ** (1 / 120))
    assert other["state"] == "passed"
    assert decide(comparison).verdict == "GO"


def test_failed_images_leave_the_means_alone() -> None:
    """The candidate's mean is over usable images; the pair of a failed one is dropped."""
    comparison = judged(
        {(0, 1): "out_of_memory", (1, 1): "out_of_memory", (1, 2): "out_of_memory"},
        failure_modes=[{"mode": "out_of_memory", "max_rate": 0.2}],
    )
    score = comparison.records()[0]
    assert score["estimate"] == 1.0
    assert score["difference"] == 0.0
    assert (score["n_images"], score["n_failed"], score["n_pairs"]) == (117, 3, 59)
    assert failure_rows(comparison)["failures__out_of_memory"]["state"] == "passed"


@pytest.mark.parametrize(
    ("count", "state"), [(0, "passed"), (2, "undecided"), (5, "undecided"), (30, "broken")]
)
def test_rates_are_judged_by_exact_bounds(count: int, state: str) -> None:
    """At most 5 % of 120 requests: 0 is shown to hold, 30 to be broken, 2 and 5 are neither."""
    comparison = judged(
        {(p, 1): "backend_error" for p in range(count)},
        failure_modes=[{"mode": "backend_error", "max_rate": 0.05}],
    )
    found = failure_rows(comparison)["failures__backend_error"]
    assert found["state"] == state
    assert found["n_failed"] == count


def test_an_unsettled_rate_tells_how_many_prompts() -> None:
    """None in 120 does not bound 1 %; 299 requests do: 150 prompts of two seeds."""
    comparison = judged({}, failure_modes=[{"mode": "blank", "max_rate": 0.01}])
    verdict = decide(comparison)
    assert verdict.verdict == "INCONCLUSIVE"
    assert verdict.needed_prompts == 150 - 60


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
        assert verdict.decided_by[0] == f"failures__{mode}"
        assert "Mend that first, then validate again." in verdict.sentence
        assert "no fault of the model" in verdict.sentence


def test_a_fault_of_ours_hides_no_fault_of_the_model() -> None:
    verdict = decide(judged({(0, 1): "bad_document", (1, 1): "backend_error"}))
    assert verdict.verdict == "NO-GO"
    assert verdict.decided_by == ("failures__backend_error",)


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
    """No usable image: the margin is undecided, the failure decides."""
    comparison = judged({(p, s): "non_finite" for p in range(60) for s in (1, 2)})
    score = comparison.records()[0]
    assert score["estimate"] is None
    assert score["state"] == "undecided"
    assert "120 images failed" in score["reason"]
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
