"""What a model wins against the incumbent, and what it nearly loses, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imgassets.decision.names import name_of_row
from imgassets.flows import FIRST
from imgassets.metrics.families import of_making

#: A row of the comparison as `Comparison.records` gives it.
Row = Mapping[str, Any]
#: Units in which a score cannot be better than 1.
_ENDS_AT_ONE = ("share", "similarity")
#: Measured price and time this close are called equal.
SAME = 1.1
#: From here on people say "times", below it percent.
_TIMES = 1.75
#: Price, time and failures that use less of their limit are no close call.
_FAR = 0.5
#: How many criteria a sentence names.
_NAMED = 2
#: Metric: what less of it is, how many times less, and what more of it is.
_COSTS = {
    "cost.usd": ("cheaper", "at half the price", "dearer", "at the same price"),
    "cost.seconds": ("faster", "twice as fast", "slower", "as fast"),
}


def what_holds(gating: Sequence[Row], incumbent: str) -> str:
    """What a model that breaks nothing has shown: `as good as tiny-base on 3 of 3 criteria, ...`.

    Arguments: `gating` rows that apply to the model, all of them passed.
    """
    compared = [row for row in gating if row["incumbent_estimate"] is not None and _has_margin(row)]
    others = len(gating) - len(compared)
    said = []
    if compared:
        count = len(compared)
        said.append(f"as good as {incumbent} on {count} of {count} criteria{_better(compared)}")
    if others:
        which = (" other", "") if compared else ("", " of the contract")
        all_ = "the one" if others == 1 else f"all {others}"
        said.append(f"within {all_}{which[0]} limit{'s' * (others > 1)}{which[1]}")
    costs = [in_words(row["metric"], ratio) for row, ratio in times_less(gating)]
    return ", ".join([*said, *costs])


def times_less(rows: Sequence[Row]) -> list[tuple[Row, float]]:
    """The rows of price and time of generating, with how many times less they are here.

    Plain means of what was measured; nothing where they were not, or have no incumbent.
    """
    found = {
        row["metric"]: row
        for row in rows
        if row["flow"] == FIRST and row["statistic"] == "mean" and row["metric"] in _COSTS
        if row["estimate"] and row["incumbent_estimate"]
    }
    costs = [found[metric] for metric in _COSTS if metric in found]
    return [(row, row["incumbent_estimate"] / row["estimate"]) for row in costs]


def in_words(metric: str, ratio: float) -> str:
    """A price or time that is `ratio` times less than the incumbent's, more where below 1."""
    less, half, more, same = _COSTS[metric]
    factor, word = (ratio, less) if ratio >= 1 else (1 / ratio, more)
    if factor < SAME:
        return same
    if factor < _TIMES:
        percent = 100 * (1 - 1 / ratio if ratio >= 1 else factor - 1)
        if metric == "cost.seconds":
            return f"{percent:.0f} % {'less' if ratio >= 1 else 'more'} time"
        return f"{percent:.0f} % {word}"
    if ratio >= 1 and f"{factor:.1f}" == "2.0":
        return half
    shown = f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}".removesuffix(".0")
    return f"{shown} times {word}"


def is_better(row: Row) -> bool:
    """Whether a row is shown to be better than the incumbent, not by chance alone."""
    low, high = row["difference_lower"], row["difference_upper"]
    if row["direction"] == "higher":
        return low is not None and low > 0
    return row["direction"] == "lower" and high is not None and high < 0


def room_used(row: Row) -> float:
    """How much of the room that its limits leave was used, as measured: 0 nothing, 1 all of it.

    Where the model is held against the incumbent, its margin is the room.
    """
    gap, direction = row["difference"], row["direction"]
    if gap is not None and row["margin"]:
        worse = {"higher": -gap, "lower": gap}.get(direction, abs(gap))
        return max(0.0, worse / row["margin"])
    return max([0.0, *_of_limits(row)])


def is_remote(row: Row) -> bool:
    """Whether a price, a time or a rate of failures is far from its limit, and so no close call.

    Few batches were timed and few requests made, so their error bars alone reach that far.
    """
    making = row["source"] == "failure" or of_making(row["metric"])
    return making and room_used(row) < _FAR


def _of_limits(row: Row) -> Iterator[float]:
    value = row["estimate"]
    if value is not None and row["ceiling"]:
        yield value / row["ceiling"]
    if value is not None and row["floor"] is not None:
        if row["unit"] in _ENDS_AT_ONE and row["floor"] < 1:
            yield (1 - value) / (1 - row["floor"])
        elif value > 0:
            yield row["floor"] / value


def coverage(rows: Sequence[Row], told_if_all: bool) -> str:
    """How many of the prompts the criteria are about: `12 of 20 prompts had something to judge`.

    A prompt that asks for no text says nothing of text. Begins with a space; empty where nothing
    need be said.

    Args:
        rows: gating ones; those of failures know how many prompts there are.
        told_if_all: whether it is told also where all prompts were judged.
    """
    asked: dict[str, int] = {}
    for row in rows:
        if row["source"] == "failure":
            asked[row["flow"]] = max(asked.get(row["flow"], 0), int(row["n_prompts"]))
    judged: dict[tuple[int, int], list[str]] = {}
    for row in rows:
        if row["source"] == "criterion" and not of_making(row["metric"]):
            share = int(row["n_asked"] or 0), asked.get(row["flow"], 0)
            judged.setdefault(share, []).append(name_of_row(row))
    parts = {share: names for share, names in judged.items() if 0 < share[0] < share[1]}
    said = [f"{n} of {of} ({', '.join(dict.fromkeys(names))})" for (n, of), names in parts.items()]
    if said:
        first, *more = said
        count, _, names = first.partition(" (")
        told = f" {count} prompts had something to judge ({names}"
        return "; ".join([told, *more]) + "."
    every = max(asked.values(), default=0)
    if told_if_all and judged and every:
        return f" All {every} prompts had something to judge."
    return ""


def _has_margin(row: Row) -> bool:
    return row["margin"] is not None


def _better(compared: Sequence[Row]) -> str:
    names = [name_of_row(row) for row in compared if is_better(row)]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f" (better on {', '.join(names[:_NAMED])}{more})"
