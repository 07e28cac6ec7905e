"""Choosing the few pairs of images a person should look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from types import MappingProxyType
from typing import Any

import pandas as pd

from imgassets.decision import Measured, Verdict
from imgassets.documents.contract import Endpoint
from imgassets.documents.yardstick import OTHER, TOTAL, failure_metric, mode_of
from imgassets.metrics.families import METRICS, of_making
from imgassets.report.inputs import ImagePair, Load, PairKind
from imgassets.report.thumbnails import difference, open_rgb

_REQUEST = ["flow", "prompt_id", "seed", "replicate"]
#: Pixel differences are looked for among at most this many pairs, evenly spread.
MOST_COMPARED = 300
_COMPARED_SIDE = 128


def select_pairs(
    endpoint: Endpoint,
    candidate: Measured,
    incumbent: Measured | None,
    *,
    about: Sequence[tuple[str, str]] = (),
    passed: Mapping[tuple[str, str], float] = MappingProxyType({}),
    load: Load | None = None,
    telling: int = 6,
    failed: int = 6,
    worst: int = 18,
    changed: int = 6,
) -> list[ImagePair]:
    """Pairs worth looking at: those behind the verdict, failed ones, the worst, the most changed.

    The worst are taken from all criteria in turn, so that one bad metric does not hide another;
    they are the pairs that lost most against the incumbent (or the lowest scores, where there is
    no incumbent). Criteria that failed or are undecided come first; of one that passed only pairs
    are shown that lost more than its margin by themselves. No request is shown twice.

    Args:
        endpoint, candidate, incumbent: the contract, and what was measured.
        about: metric and flow of what decided or is closest, the most telling first
            (`deciding`); their pairs come first.
        passed: margins of criteria that passed (`passed_margins`).
        load: gives PNG bytes by image key; without it no changed pairs are chosen.
        telling, failed, worst, changed: how many of each at most.
    """
    joined = _joined_images(candidate, incumbent)
    seen: set[tuple[Any, ...]] = set()

    def take(found: Iterator[ImagePair], count: int) -> list[ImagePair]:
        fresh = (p for p in found if _identity(p) not in seen and not seen.add(_identity(p)))  # type: ignore[func-returns-value]
        return list(islice(fresh, count))

    pairs = [
        replace(pair, tells=True)
        for pair in take(_telling(about, passed, joined, candidate, incumbent), telling)
    ]
    pairs += take(_failed(joined), failed)
    seen_criteria = sorted(_seen_criteria(endpoint), key=lambda criterion: criterion in passed)
    pairs += take(_worst(seen_criteria, passed, candidate, incumbent), worst)
    if load is not None and incumbent is not None:
        pairs += take(_changed(joined, load), changed)
    return pairs


def deciding(verdict: Verdict) -> list[tuple[str, str]]:
    """Metric and flow of the criteria that decided a verdict, or of the closest one of a GO."""
    names = [verdict.closest_criterion] if verdict.closest_criterion else verdict.decided_by
    found = {entry["criterion"]: entry for entry in verdict.criteria}
    return [(found[n]["metric"], found[n]["flow"]) for n in names if n in found]


def passed_margins(verdict: Verdict) -> dict[tuple[str, str], float]:
    """Metric and flow of the criteria that passed, with their margins; 0 without one."""
    return {
        (entry["metric"], entry["flow"]): entry.get("margin") or 0.0
        for entry in verdict.criteria
        if entry["state"] == "passed"
    }


def _telling(
    about: Sequence[tuple[str, str]],
    passed: Mapping[tuple[str, str], float],
    joined: pd.DataFrame,
    candidate: Measured,
    incumbent: Measured | None,
) -> Iterator[ImagePair]:
    """Pairs of some criteria, one criterion after the other; what is not to be seen has none."""
    for metric, flow in about:
        mode = mode_of(metric)
        if metric == failure_metric(mode):
            these = joined["status"] == mode if mode not in (OTHER, TOTAL) else True
            yield from _failed(joined[(joined["flow"] == flow) & these])
        elif not of_making(metric):
            yield from _worst([(metric, flow)], passed, candidate, incumbent)


def _seen_criteria(endpoint: Endpoint) -> list[tuple[str, str]]:
    """Metric and flow of all that a person can check by looking at the image."""
    criteria = [c for c in endpoint.all_criteria if not of_making(c.metric)]
    return list(dict.fromkeys((c.metric, c.flow) for c in criteria))


def _identity(pair: ImagePair) -> tuple[Any, ...]:
    return pair.flow, pair.prompt_id, pair.seed, pair.replicate


def _joined_images(candidate: Measured, incumbent: Measured | None) -> pd.DataFrame:
    """The candidate's images in order of request, with the incumbent's key and status."""
    columns = [*_REQUEST, "image_key", "status", "message"]
    mine = candidate.images.reindex(columns=columns).sort_values(_REQUEST, ignore_index=True)
    if incumbent is None:
        return mine.assign(image_key_incumbent=None, status_incumbent=None)
    theirs = incumbent.images.reindex(columns=columns)
    return mine.merge(theirs, on=_REQUEST, how="left", suffixes=("", "_incumbent"))


def _failed(images: pd.DataFrame) -> Iterator[ImagePair]:
    """Failed requests, one of each mode in turn."""
    by_mode = [group.to_dict("records") for _, group in _failures(images).groupby("status")]
    for row in _in_turn(by_mode):
        message = row["message"] if isinstance(row["message"], str) else ""
        reason = f"{row['status']}: {message}" if message else str(row["status"])
        yield _pair("failed", row, reason=reason)


def _failures(images: pd.DataFrame) -> pd.DataFrame:
    return images[images["status"] != "ok"]


def _worst(
    metrics: Sequence[tuple[str, str]],
    passed: Mapping[tuple[str, str], float],
    candidate: Measured,
    incumbent: Measured | None,
) -> Iterator[ImagePair]:
    tables = [_losses(metric, flow, candidate, incumbent) for metric, flow in metrics]
    if incumbent is not None:
        least = [passed.get(criterion, 0.0) for criterion in metrics]
        tables = [t[t["loss"] > loss] for t, loss in zip(tables, least, strict=True)]
    for row in _in_turn([t.to_dict("records") for t in tables]):
        yield _pair(
            "worst",
            row,
            metric=row["metric"],
            candidate_value=_value(row["value"]),
            incumbent_value=_value(row.get("value_incumbent")),
            reason=_text(row["reason"]),
            incumbent_reason=_text(row.get("reason_incumbent")),
        )


def _losses(
    metric: str, flow: str, candidate: Measured, incumbent: Measured | None
) -> pd.DataFrame:
    """Rows worse than the incumbent on one metric, greatest loss first, each prompt once."""
    direction, unit = METRICS[metric].direction, METRICS[metric].unit
    sign = 1 if direction == "higher" else -1
    mine = _rows_of(candidate, metric, flow)
    if incumbent is None:
        losses = mine.assign(loss=-sign * mine["value"])
        if unit == "share":
            perfect = 1.0 if direction == "higher" else 0.0
            losses = losses[losses["value"] != perfect]
        if direction == "same":  # no value is worse than another
            losses = losses.iloc[:0]
    else:
        theirs = _rows_of(incumbent, metric, flow).drop(columns=["metric"])
        losses = mine.merge(theirs, on=_REQUEST, suffixes=("", "_incumbent"))
        step = losses["value_incumbent"] - losses["value"]
        losses = losses.assign(loss=step.abs() if direction == "same" else sign * step)
        losses = losses[losses["loss"] > 0]
    losses = losses.sort_values(["loss", *_REQUEST], ascending=[False, *[True] * 4])
    return losses.drop_duplicates(["flow", "prompt_id"])


def _rows_of(measured: Measured, metric: str, flow: str) -> pd.DataFrame:
    rows = measured.rows
    columns = [*_REQUEST, "image_key", "metric", "value", "reason"]
    chosen = rows[(rows["metric"] == metric) & (rows["flow"] == flow)]
    return chosen.reindex(columns=columns).dropna(subset=["value"])


def _changed(images: pd.DataFrame, load: Load) -> Iterator[ImagePair]:
    both = images[(images["status"] == "ok") & (images["status_incumbent"] == "ok")]
    both = both.iloc[:: max(1, -(-len(both) // MOST_COMPARED))]
    ranked = [(_change(row, load), row) for row in both.to_dict("records")]
    for change, row in sorted(ranked, key=lambda item: -item[0]):
        if change > 0:
            yield _pair("changed", row, reason=f"pixels differ by {change:.0f} of 255 on average")


def _change(row: Mapping[Any, Any], load: Load) -> float:
    first = open_rgb(load, row["image_key_incumbent"])
    second = open_rgb(load, row["image_key"])
    if first is None or second is None:
        return 0.0
    for image in (first, second):
        image.thumbnail((_COMPARED_SIDE, _COMPARED_SIDE))
    return difference(first, second)[1]


def _in_turn(lists: list[list[dict[Any, Any]]]) -> Iterator[dict[Any, Any]]:
    """First of each list, then second of each list, and so on."""
    for rank in zip_longest(*lists):
        yield from (row for row in rank if row is not None)


def _pair(kind: PairKind, row: Mapping[Any, Any], **more: Any) -> ImagePair:
    incumbent = row.get("image_key_incumbent")
    return ImagePair(
        kind=kind,
        flow=str(row["flow"]),
        prompt_id=str(row["prompt_id"]),
        seed=int(row["seed"]),
        replicate=int(row["replicate"]),
        candidate_key=str(row["image_key"]),
        incumbent_key=incumbent if isinstance(incumbent, str) else None,
        **more,
    )


def _value(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
