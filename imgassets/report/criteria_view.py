"""Rows of the comparison table put into words and strips, for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imgassets.decision.evidence import State
from imgassets.decision.formatting import (
    amount,
    between,
    capitalized,
    failure_phrase,
    margin_words,
    signed,
)
from imgassets.decision.names import title_of_row
from imgassets.documents.yardstick import TOTAL, mode_of
from imgassets.flows import in_brackets
from imgassets.metrics.families import METRICS
from imgassets.report.plots import Strip, strip

Row = Mapping[str, Any]
_SLACK = 1e-9


@dataclass(frozen=True)
class StripView:
    """One limit in the evidence column: geometry, labels, and the words a screen reader says."""

    strip: Strip
    state: State
    label: str
    reading: str
    reference_label: str


@dataclass(frozen=True)
class CriterionView:
    """One row of the criteria table."""

    title: str
    metric: str
    flow: str
    summary: str
    statistic: str
    is_warning: bool
    state: State
    measured: str
    interval: str
    incumbent: str
    difference: str
    difference_interval: str
    strips: tuple[StripView, ...]
    reason: str
    counts: str
    needed: str


@dataclass(frozen=True)
class FailureView:
    """One row of the failures table."""

    mode: str
    phrase: str
    rate: str
    upper: str
    allowed: str
    incumbent: str
    state: State
    examples: tuple[str, ...] = ()


def criterion_view(row: Row) -> CriterionView:
    """A `criterion` or `review` row (from `Comparison.records()`) for the template."""
    unit, metric = row["unit"], METRICS.get(row["metric"])
    return CriterionView(
        title=title_of_row(row),
        metric=row["metric"],
        flow=row["flow"],
        summary="" if metric is None else metric.summary,
        statistic=row["statistic"],
        is_warning=row["severity"] == "warning",
        state=row["state"],
        measured=amount(row["estimate"], unit),
        interval=_interval(row, "lower", "upper"),
        incumbent=amount(row["incumbent_estimate"], unit),
        difference="" if row["difference"] is None else signed(row["difference"], unit),
        difference_interval=_interval(row, "difference_lower", "difference_upper", difference=True),
        strips=strips_of(row),
        reason=capitalized(row["reason"]) + ".",
        counts=_counts(row),
        needed=_needed(row),
    )


def failure_view(row: Row, examples: tuple[str, ...]) -> FailureView:
    """A `failure` row for the template; `examples` are messages of failed requests."""
    mode = mode_of(row["metric"])
    named = {TOTAL: "all modes together"}
    return FailureView(
        mode=named.get(mode, mode.replace("_", " ")) + in_brackets(row["flow"]),
        phrase=capitalized(failure_phrase(mode, int(row["n_failed"]), int(row["n_images"]))) + ".",
        rate=amount(row["estimate"], "share"),
        upper=amount(row["upper"], "share"),
        allowed="none" if row["ceiling"] == 0 else amount(row["ceiling"], "share"),
        incumbent=amount(row["incumbent_estimate"], "share"),
        state=row["state"],
        examples=examples,
    )


def limits_text(row: Row) -> str:
    """All limits of a row: `at least 50 %, at most 10 points worse`."""
    unit, said = row["unit"], []
    if row["floor"] is not None:
        said.append(f"at least {amount(row['floor'], unit)}")
    if row["ceiling"] is not None:
        said.append(f"at most {amount(row['ceiling'], unit)}")
    if row["margin"] is not None:
        said.append(_margin_words(row))
    return ", ".join(said)


def _margin_words(row: Row) -> str:
    return f"at most {margin_words(row['margin'], row['unit'], row['direction'])}"


def _interval(row: Row, low: str, high: str, *, difference: bool = False) -> str:
    if row[low] is None or row[high] is None:
        return ""
    return between(row[low], row[high], row["unit"], difference=difference)


def _counts(row: Row) -> str:
    failed = f", {row['n_failed']} failed" if row["n_failed"] else ""
    unjudged = row.get("n_unjudged")
    failed += f", {unjudged:.0f} cannot be judged" if unjudged else ""
    people = f", {row['n_labelled']:.0f} judged by people" if row.get("n_labelled") else ""
    judge = f"; judged by {row['judge']}" if row.get("judge") else ""
    return f"{row['n_prompts']} prompts, {row['n_images']} images{failed}{people}{judge}"


def _needed(row: Row) -> str:
    if row.get("n_labelled") and row["remedy"]:
        return str(row["remedy"])
    if row["needed_prompts"] is None:
        return ""
    seeds = f" or {row['needed_seeds']:.0f} seeds a prompt" if row["needed_seeds"] else ""
    return f"About {row['needed_prompts']:,.0f} more prompts{seeds} would settle it."


def strips_of(row: Row) -> tuple[StripView, ...]:
    """A strip for each limit that there is a number to hold against."""
    if row["estimate"] is None:
        return ()
    limits = [row[kind] for kind in ("floor", "ceiling") if row[kind] is not None]
    found = [_absolute_strip(row, limit) for limit in limits]
    if row["margin"] is not None and row["difference"] is not None:
        found.append(_margin_strip(row))
    return tuple(found)


def _absolute_strip(row: Row, limit: float) -> StripView:
    unit, lower_better = row["unit"], row["direction"] == "lower"
    bounds = (row["estimate"], row["lower"], row["upper"])
    words = f"{'at most' if lower_better else 'at least'} {amount(limit, unit)}"
    incumbent = row["incumbent_estimate"]
    said = amount(row["estimate"], unit)
    interval = _interval(row, "lower", "upper")
    reading = f"Measured {said}{f' ({interval})' if interval else ''}; allowed {words}"
    return _strip_view(row, limit, bounds, words, reading, incumbent)


def _margin_strip(row: Row) -> StripView:
    unit, words = row["unit"], _margin_words(row)
    limit = -row["margin"] if row["direction"] == "higher" else row["margin"]
    bounds = (row["difference"], row["difference_lower"], row["difference_upper"])
    if row["direction"] == "same":
        bounds = _sizes(*bounds)
    interval = _interval(row, "difference_lower", "difference_upper", difference=True)
    reading = f"Difference {signed(row['difference'], unit)} ({interval}); allowed {words}"
    return _strip_view(row, limit, bounds, words, reading, 0.0)


def _sizes(
    estimate: float, low: float | None, high: float | None
) -> tuple[float, float | None, float | None]:
    """A difference without its sign: both ways are one limit then, and right of it is allowed."""
    if low is None or high is None:
        return abs(estimate), None, None
    return abs(estimate), max(0.0, low, -high), max(-low, high)


def _strip_view(
    row: Row,
    limit: float,
    bounds: tuple[float, float | None, float | None],
    words: str,
    reading: str,
    reference: float | None,
) -> StripView:
    estimate, low, high = bounds
    low, high = estimate if low is None else low, estimate if high is None else high
    higher = row["direction"] == "higher"
    geometry = strip(limit, estimate, low, high, higher_is_better=higher, reference=reference)
    state = _limit_state(limit, low, high, higher)
    said: str = state
    if state == "broken" and row["state"] != "broken":
        state = "undecided"
        said = "broken if judged alone, undecided together with all other criteria"  # after Holm
    return StripView(geometry, state, words, f"{reading}: {said}.", "incumbent")


def _limit_state(limit: float, low: float, high: float, higher: bool) -> State:
    slack = _SLACK * max(1.0, abs(limit))
    good, bad = (low >= limit - slack, high < limit - slack)
    if not higher:
        good, bad = (high <= limit + slack, low > limit + slack)
    return "passed" if good else "broken" if bad else "undecided"
