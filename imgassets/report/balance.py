"""What a model wins and loses, as a short list: the first thing that is read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgassets.decision.formatting import amount, capitalized, failure_phrase, signed, step
from imgassets.decision.gains import SAME, in_words, is_better, times_less
from imgassets.decision.names import name_of_row
from imgassets.documents.yardstick import mode_of
from imgassets.report.criteria_view import limits_text

Row = Mapping[str, Any]
#: Items of one kind; the table of criteria has them all.
_MOST = 4


@dataclass(frozen=True)
class BalanceItem:
    """One line.

    Attributes:
        tone: `good`, `bad`, `open` or `quiet`.
        word: what it is: Won, Lost, Open, As good.
        text: the criterion and its numbers.
    """

    tone: str
    word: str
    text: str


def balance(rows: Sequence[Row], alone: bool) -> list[BalanceItem]:
    """What decides first, then what is won, then what is as good.

    Args:
        rows: of the comparison.
        alone: whether the model is the incumbent, which wins and loses against nobody.
    """
    gating = [row for row in rows if row["severity"] == "gating"]
    broken = [row for row in gating if row["state"] == "broken"]
    open_ = [r for r in gating if r["state"] == "undecided" and r["source"] != "people"]
    items = [*_listed("bad", "Lost", broken), *_listed("open", "Open", open_)]
    if alone:
        return items
    compared = [r for r in gating if r["margin"] is not None and r["state"] == "passed"]
    better = [row for row in compared if is_better(row)]
    items += _listed("good", "Won", better)
    items += [_cost(row, ratio) for row, ratio in times_less(gating)]
    return items + _listed("quiet", "As good", [row for row in compared if row not in better])


def _listed(tone: str, word: str, rows: Sequence[Row]) -> list[BalanceItem]:
    items = [BalanceItem(tone, word, _said(row)) for row in rows[:_MOST]]
    more = len(rows) - len(items)
    if more:
        items.append(BalanceItem(tone, word, f"{more} more, in the table of criteria"))
    return items


def _said(row: Row) -> str:
    """`Exact text, upscaled: 52 % against 77 %; allowed: at least 50 %, at most 8 points worse`."""
    if row["source"] == "failure":
        mode = mode_of(row["metric"])
        told = failure_phrase(mode, int(row["n_failed"]), int(row["n_images"]))
        allowed = "none" if row["ceiling"] == 0 else amount(row["ceiling"], "share")
        return f"{capitalized(name_of_row(row))}: {told}; allowed: {allowed}"
    unit, theirs, gap = row["unit"], row["incumbent_estimate"], row["difference"]
    said = f"{capitalized(name_of_row(row))}: {amount(row['estimate'], unit)}"
    if theirs is not None:
        said += f" against {amount(theirs, unit)}"
        moved = gap is not None and step(gap, unit) != step(0.0, unit)
        said += f" ({signed(gap, unit)})" if moved else ""
    return said if row["state"] == "passed" else f"{said}; allowed: {limits_text(row)}"


def _cost(row: Row, ratio: float) -> BalanceItem:
    """How price or time compares, `ratio` times less than the incumbent's."""
    values = (amount(row[name], row["unit"]) for name in ("estimate", "incumbent_estimate"))
    text = f"{capitalized(in_words(row['metric'], ratio))}: {' against '.join(values)}"
    if 1 / SAME < ratio < SAME:
        return BalanceItem("quiet", "As good", text)
    return BalanceItem("good", "Won", text) if ratio > 1 else BalanceItem("bad", "Lost", text)
