"""Geometry of the plots, small pictures, and the choice of pairs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imgassets.decision import compare, decide
from imgassets.decision.formatting import amount, between, measured_phrase, signed, step
from imgassets.decision.names import title_of
from imgassets.documents.criteria import Criterion
from imgassets.metrics.families import METRICS
from imgassets.report.balance import balance
from imgassets.report.criteria_view import criterion_view, limits_text, strips_of
from imgassets.report.pairs import deciding, passed_margins, select_pairs
from imgassets.report.plots import LIMIT_AT, nice_ticks, scatter, strip
from imgassets.report.thumbnails import difference, open_rgb, picture
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured
from imgassets_tests.report.factories import draw

FLOATS = st.floats(-1e6, 1e6)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@given(limit=FLOATS, middle=FLOATS, left=st.floats(0, 1e3), right=st.floats(0, 1e3),
       higher=st.booleans())  # fmt: skip
def test_strips_fit_and_right_is_good(
    limit: float, middle: float, left: float, right: float, higher: bool
) -> None:
    """Every mark lies within the plot; beyond the limit on the good side is right of it."""
    found = strip(limit, middle, middle - left, middle + right, higher_is_better=higher,
                  reference=limit)  # fmt: skip
    for place in (found.estimate, found.lower, found.upper):
        assert 3.9 <= place <= 96.1
    assert found.lower <= found.estimate + 0.02
    assert found.estimate <= found.upper + 0.02
    assert found.reference == LIMIT_AT
    good = middle >= limit if higher else middle <= limit
    assert found.estimate >= LIMIT_AT - 0.01 if good else found.estimate <= LIMIT_AT + 0.01


@given(low=FLOATS, span=st.floats(1e-3, 1e6))
def test_ticks_cover_what_they_should(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    slack = 1e-6 * max(1.0, abs(low), span)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack
    assert 2 <= len(ticks) <= 12


def test_labels_of_near_points_do_not_sit_on_each_other() -> None:
    plot = scatter([("one", 1.0, 0.9, 0.8, 1.0), ("two", 1.02, 0.9, 0.8, 1.0)], [0])
    assert plot.dots[0].label != plot.dots[1].label


def test_a_label_sits_on_no_line() -> None:
    """The front runs to the right of the cheapest and up to the next: its label goes elsewhere."""
    plot = scatter(
        [("tiny-base", 0.5, 0.8, 0.75, 0.85), ("tiny-turbo", 0.1, 0.7, 0.65, 0.75)], [1, 0]
    )
    for dot in plot.dots:
        width = 2.6 * len(dot.model)
        left = dot.x + (1 if dot.label.anchor == "start" else -1 - width)
        top, bottom = dot.y + dot.label.dy / 3 - 3, dot.y + dot.label.dy / 3
        assert 0 <= left <= left + width <= 100
        for x1, y1, x2, y2 in plot.front:
            beside = max(x1, x2) < left or min(x1, x2) > left + width
            assert beside or max(y1, y2) < top or min(y1, y2) > bottom, dot


def test_difference_of_an_image_with_itself_is_black() -> None:
    image = open_rgb(draw, "tiny-new-1-1")
    assert image is not None
    shown, change = difference(image, image)
    assert change == 0.0
    assert np.asarray(shown).max() == 0


def test_difference_shows_a_faint_change_amplified() -> None:
    """One of 64 pixels changed by 10 levels in one channel: 40 shown, 10 / 192 on average."""
    first = Image.new("RGB", (8, 8), (100, 100, 100))
    second = first.copy()
    second.putpixel((2, 3), (100, 110, 100))
    shown, change = difference(first, second)
    assert shown.getpixel((2, 3)) == (40, 40, 40)
    assert change == pytest.approx(10 / 192)


def test_pictures_are_small_and_keep_their_size() -> None:
    small, large = (picture(Image.new("RGB", size)) for size in ((64, 64), (2000, 1000)))
    assert small.pixelated
    assert small.uri.startswith("data:image/png;base64,")
    assert large.uri.startswith("data:image/jpeg;base64,")
    assert (large.width, large.height) == (2000, 1000)


def test_transparent_and_broken_images() -> None:
    clear = open_rgb(lambda key: png(Image.new("RGBA", (4, 4), (255, 0, 0, 0))), "k")
    assert clear is not None
    assert clear.getpixel((0, 0)) == (128, 128, 128)
    assert open_rgb(lambda key: png(Image.new("RGB", (64, 64)))[:60], "k") is None
    assert open_rgb(lambda key: b"", "k") is None


def two_models(**failed: str):
    scores = {
        NEW: {"typography.exact": lambda p, s: float(p % 3 > 0), "cost.seconds": lambda p, s: 9.0},
        BASE: {"typography.exact": lambda p, s: float(p != 4), "cost.seconds": lambda p, s: 1.0},
    }
    broken = {NEW: {(5, 1): "blank", (6, 1): "blank", (7, 2): "non_finite"}, BASE: {}}
    return [measured(n, s, range(12), failed=broken[n]) for n, s in scores.items()]


def test_pairs_failed_first_then_losses_never_twice() -> None:
    """One of each failure mode first; then only losses, each prompt once; costs are not seen."""
    contract = endpoint(
        [{"metric": "typography.exact", "margin": 0.1}, {"metric": "cost.seconds", "ceiling": 1}]
    )
    pairs = select_pairs(contract, *two_models(), load=draw, failed=2, changed=3)
    assert [p.reason.split(":")[0] for p in pairs[:2]] == ["blank", "non_finite"]
    worst = [p for p in pairs if p.kind == "worst"]
    assert {p.prompt_id for p in worst} == {"p0000", "p0003", "p0006", "p0009"}
    assert all(p.candidate_value == 0.0 and p.incumbent_value == 1.0 for p in worst)
    assert {p.metric for p in worst} == {"typography.exact"}
    assert sum(p.kind == "changed" for p in pairs) == 3
    requests = [(p.prompt_id, p.seed) for p in pairs]
    assert len(requests) == len(set(requests))


def test_pairs_of_what_decided_come_first() -> None:
    """Two criteria lose; those of the one that decided lead, whichever the contract lists first."""
    words, exact = "typography.words", "typography.exact"
    contract = endpoint([{"metric": exact, "margin": 0.1}, {"metric": words, "margin": 0.1}])
    scores = {exact: lambda p, s: float(p % 2), words: lambda p, s: float(p % 3 > 0)}
    new = measured(NEW, scores, range(12), failed={(5, 1): "blank"})
    base = measured(BASE, dict.fromkeys(scores, lambda p, s: 1.0), range(12))
    for metric, flow in ((words, "generate"), (exact, "generate")):
        pairs = select_pairs(contract, new, base, about=[(metric, flow)], telling=3)
        assert [(p.metric, p.tells) for p in pairs[:3]] == [(metric, True)] * 3
        assert not any(p.tells for p in pairs[3:])
    failed = select_pairs(contract, new, base, about=[("failures.blank", "generate")])
    assert [p.kind for p in failed if p.tells] == ["failed"]
    costs = select_pairs(contract, new, base, about=[("cost.seconds", "generate")])
    assert not any(p.tells for p in costs)  # no picture shows them


def test_a_criterion_that_passed_shows_only_pairs_that_lost_more_than_its_margin() -> None:
    """And after those of criteria that did not pass, whichever the contract lists first."""
    fine, exact = "artefacts.checkerboard", "typography.exact"
    contract = endpoint([{"metric": fine, "margin": 0.25}, {"metric": exact, "margin": 0.1}])
    scores = {fine: lambda p, s: 0.9 if p == 3 else 0.01, exact: lambda p, s: 0.0}
    new = measured(NEW, scores, range(40))
    base = measured(BASE, {fine: lambda p, s: 0.0, exact: lambda p, s: 1.0}, range(40))
    passed = {(fine, "generate"): 0.25}
    pairs = select_pairs(contract, new, base, about=[(fine, "generate")], passed=passed)
    assert [(p.prompt_id, p.tells) for p in pairs if p.metric == fine] == [("p0003", True)]
    assert pairs[1].metric == exact


def test_what_decided_is_read_from_the_verdict() -> None:
    contract = endpoint([{"metric": "typography.exact", "margin": 0.1}])
    good, bad = (
        measured(name, {"typography.exact": lambda p, s, v=value: v}, range(40))
        for name, value in ((BASE, 1.0), (NEW, 0.0))
    )
    assert deciding(decide(compare(contract, bad, good))) == [("typography.exact", "generate")]
    same = measured(NEW, {"typography.exact": lambda p, s: 1.0}, range(40))
    assert deciding(decide(compare(contract, same, good))) == [("typography.exact", "generate")]
    assert (
        passed_margins(decide(compare(contract, same, good)))["typography.exact", "generate"] == 0.1
    )
    assert ("typography.exact", "generate") not in passed_margins(
        decide(compare(contract, bad, good))
    )


def test_the_balance_says_what_is_lost_won_and_kept() -> None:
    """Text is lost and words are won; size stays as it was; half the price."""
    exact, words, size, usd = (
        "typography.exact", "typography.words", "composition.size", "cost.usd",
    )  # fmt: skip
    contract = endpoint(
        [{"metric": m, "margin": 0.2} for m in (exact, words, size)]
        + [{"metric": usd, "ceiling": 1}, {"metric": usd, "ceiling": 1, "statistic": "worst"}]
    )
    new, base = (
        measured(
            name,
            {exact: lambda p, s, v=t: v, words: lambda p, s, v=w: v, size: lambda p, s: 1.0,
             usd: lambda p, s, v=c: v,
             "cost.seconds": lambda p, s: 1.0 + p / 100},
            range(60),
        )
        for name, t, w, c in ((NEW, 0.0, 1.0, 0.02), (BASE, 1.0, 0.0, 0.04))
    )  # fmt: skip
    items = balance(compare(contract, new, base).records(), alone=False)
    assert [(item.word, item.text) for item in items] == [
        ("Lost", "Exact text: 0 % against 100 % (\u2212100 points); allowed: at most 20 points "
                 "worse"),
        ("Won", "Words that can be read: 100 % against 0 % (+100 points)"),
        ("Won", "At half the price: $0.020 against $0.040"),
        ("As good", "Right sizes: 100 % against 100 %"),
    ]  # fmt: skip
    assert balance(compare(contract, base).records(), alone=True) == []


def test_production_alone_shows_its_low_scores() -> None:
    contract = endpoint([{"metric": "typography.exact", "floor": 0.1}])
    _, base = two_models()
    pairs = select_pairs(contract, base, None, load=draw)
    assert [(p.prompt_id, p.incumbent_key) for p in pairs] == [("p0004", None)]


def test_a_low_score_is_one_that_is_worse() -> None:
    """Alone: repeats are shown, the rest not. Against another: a look that moved, either way."""
    contract = endpoint(
        [{"metric": "look.repeated", "ceiling": 0.1}],
        flows=["generate"],
        review={"look": {"lightness": 1}},
    )
    scores = {
        "look.repeated": lambda p, s: float(p == 2),
        "look.lightness": lambda p, s: 50.0 if p != 1 else 60.0,
    }
    base = measured(BASE, scores, range(3), seeds=(1,))
    alone = select_pairs(contract, base, None, load=draw)
    assert [(p.prompt_id, p.metric) for p in alone] == [("p0002", "look.repeated")]
    darker = scores | {"look.lightness": lambda p, s: 50.0}
    moved = select_pairs(contract, measured(NEW, darker, range(3), seeds=(1,)), base, load=draw)
    worst = [(p.prompt_id, p.metric) for p in moved if p.kind == "worst"]
    assert worst == [("p0001", "look.lightness")]


def test_views_agree_with_the_table() -> None:
    """A limit drawn as passed is one the table calls passed."""
    new, base = two_models()
    contract = endpoint([{"metric": "typography.exact", "floor": 0.1, "margin": 0.1}])
    rows = compare(contract, new, base).records()
    view = criterion_view(rows[0])
    assert [s.state for s in view.strips] == ["passed", "undecided"]
    assert view.state == rows[0]["state"] == "undecided"
    assert "at least 10 %" in view.strips[0].reading


@pytest.mark.parametrize("shift", [0.0, 0.9, -0.9, 1.0, 5.0, -5.0])
@pytest.mark.parametrize("severity", ["gating", "warning"])
def test_a_step_either_way_is_drawn_against_one_limit(shift: float, severity: str) -> None:
    """Lightness has no better side: right of the limit are small steps, left of it large ones."""
    look = "look.lightness"
    contract = endpoint([{"metric": look, "margin": 1, "severity": severity}])
    new, base = (
        measured(name, {look: lambda p, s, d=step: 50.0 + d + 0.2 * (p % 2)}, range(40))
        for name, step in ((NEW, shift), (BASE, 0.0))
    )
    row = compare(contract, new, base).records()[0]
    (drawn,) = criterion_view(row).strips
    assert drawn.state == row["state"] == ("broken" if abs(shift) > 1 else "passed")
    assert (drawn.strip.upper < LIMIT_AT) == (drawn.state == "broken")
    assert drawn.label == limits_text(row) == "at most 1.00 L* either way"
    assert signed(shift, "L*") in drawn.reading


def test_a_bar_across_no_step_at_all_starts_there() -> None:
    """From -0.5 to 2 around a step of 0.7 and a margin of 1: no step is allowed, 2 is not."""
    row = {
        "unit": "L*", "direction": "same", "margin": 1.0, "floor": None, "ceiling": None,
        "estimate": 50.0, "difference": 0.7, "difference_lower": -0.5, "difference_upper": 2.0,
        "state": "undecided",
    }  # fmt: skip
    (drawn,) = strips_of(row)
    assert drawn.state == "undecided"
    assert drawn.strip.upper == drawn.strip.reference
    assert drawn.strip.lower < LIMIT_AT < drawn.strip.estimate


def test_every_metric_has_a_title_and_a_phrase() -> None:
    """Titles are words; phrases carry the number; a phrase is of its metric."""
    assert title_of("edit_stability.psnr_outside") == "Likeness outside the edit (PSNR)"
    for metric in METRICS.values():
        criterion = Criterion.model_validate(
            {"metric": metric.name, "flow": metric.flows[0], "margin": 0.1}
        )
        assert amount(0.5, metric.unit) in measured_phrase(criterion, amount(0.5, metric.unit))


def test_numbers_in_words() -> None:
    assert amount(0.3149, "share") == "31 %"
    assert amount(0.996, "share") == "99.6 %"
    assert amount(0.031, "USD") == "$0.031"
    assert amount(0.00052, "USD") == "$0.00052"
    assert amount(0.0, "USD") == "$0.00"
    assert amount(12.5, "USD") == "$12.50"
    assert amount(1.2345, "s") == "1.23 s"
    assert amount(1169.3, "MiB") == "1169 MiB"
    assert amount(None, "s") == "\u2013"
    assert step(-0.01, "share") == "1 point"
    assert signed(-0.41, "share") == "\u221241 points"
    assert between(-0.061, 0.14, "share", difference=True) == "\u22126.1 to +14 points"
    assert between(0.89, 0.97, "share") == "89 to 97 %"
