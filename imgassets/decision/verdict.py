"""The verdict: GO, NO-GO, REVIEW or INCONCLUSIVE, with the one sentence that explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from imgassets.decision.comparison import Comparison
from imgassets.decision.formatting import capitalized
from imgassets.decision.gains import coverage, is_remote, room_used, what_holds
from imgassets.decision.names import name_of_row
from imgassets.decision.settling import needed, not_the_models, unmeasured, what_settles

Decision = Literal["GO", "NO-GO", "REVIEW", "INCONCLUSIVE"]
#: How many further criteria a sentence names.
_NAMED = 3
#: Share of images that may go unjudged without a person who looks at them.
_UNJUDGED = 0.02
_ALWAYS = ("criterion", "metric", "flow", "severity", "statistic", "state", "passed", "reason")


class Verdict(BaseModel):
    """What may be done with a model at an endpoint, and why.

    Attributes:
        endpoint, model, incumbent: names.
        verdict: GO, NO-GO, REVIEW or INCONCLUSIVE.
        decided_by: names of the criteria that decided, the most telling first; those that ask for
            a person for REVIEW. Empty for GO, which all of them decide together.
        closest_criterion: of a GO, the criterion that used most of the room its limits leave.
        sentence: one sentence for a product manager, starting with the verdict.
        criteria: one entry a criterion: metric, value, floor or ceiling, margin, passed, reason.
        review_reasons: why a person must look, where the verdict is REVIEW.
        needed_prompts: prompts to add that would settle an INCONCLUSIVE one; None where settled
            or where no practical number would do.
        needed_seeds: seeds a prompt that would do instead, if any would.
        added_seeds: seeds a prompt the verdict rests on beside the contract's.
        look: which look at this comparison it is, from 1.
        alpha: level of each bound at this look; None where the comparison is empty.
        judges: which judges the gating criteria rest on, and how often these are right; empty
            where none is learned. It is the same for all models of an endpoint.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    model: str
    incumbent: str
    verdict: Decision
    decided_by: tuple[str, ...]
    sentence: str
    criteria: tuple[dict[str, Any], ...]
    closest_criterion: str | None = None
    review_reasons: tuple[str, ...] = ()
    needed_prompts: int | None = None
    needed_seeds: int | None = None
    added_seeds: int = 0
    look: int = 1
    alpha: float | None = None
    judges: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable; `Verdict.model_validate` reads it back."""
        return self.model_dump(mode="json")


def decide(
    comparison: Comparison, drift: Sequence[str] = (), added_seeds: int = 0, stray_labels: int = 0
) -> Verdict:
    """Applies the rule to a comparison.

    Arguments:
        comparison: from `compare`.
        drift: which stored images came out differently when made again, in words. They turn GO
            and INCONCLUSIVE into REVIEW: further images would be of another model. Other reasons
            for a review turn GO alone.
        added_seeds, stray_labels: seeds beside the contract's; labels of images no table holds.
    """
    rows = comparison.records()
    asking = sorted(filter(_asks, rows), key=_surest)
    alone = comparison.model == comparison.incumbent
    gating = [r | {"unmeasured": unmeasured(r, alone)} for r in rows if r["severity"] == "gating"]
    unseen = filter(None, map(_unjudged, gating))
    review_reasons = [*drift, *unseen, *(r["reason"] for r in asking)]
    broken = sorted((r for r in gating if r["state"] == "broken"), key=_most_telling_break)
    open_ = sorted((r for r in gating if r["state"] == "undecided"), key=_hardest_to_settle)
    if broken:
        verdict, deciding = "NO-GO", broken
    elif open_ or not gating:
        verdict, deciding = "REVIEW" if drift else "INCONCLUSIVE", open_
    else:
        verdict = "REVIEW" if review_reasons else "GO"
        deciding = asking or sorted(_applying(gating, alone), key=_nearest_to_lost)
    names = tuple(row["criterion"] for row in deciding)
    prompts, seeds = needed(open_) if verdict == "INCONCLUSIVE" else (None, None)
    held = _held(gating, open_, comparison.incumbent, alone)
    said = _sentence(verdict, deciding, review_reasons, held, alone)
    return Verdict(
        endpoint=comparison.endpoint,
        model=comparison.model,
        incumbent=comparison.incumbent,
        verdict=verdict,
        decided_by=() if verdict == "GO" else names,
        closest_criterion=names[0] if verdict == "GO" and names else None,
        sentence=f"{said}{coverage(gating, told_if_all=verdict == 'GO')}"
        f"{_people(rows, said)}{_stray(stray_labels)}{_added(added_seeds)}{_looked(rows)}",
        criteria=tuple(_entry(row) for row in rows),
        review_reasons=tuple(review_reasons),
        needed_prompts=prompts,
        needed_seeds=seeds,
        added_seeds=added_seeds,
        judges=_judges(gating),
        **({"look": int(rows[0]["look"]), "alpha": rows[0]["alpha"]} if rows else {}),
    )


def _asks(row: dict[str, Any]) -> bool:
    """Whether a row sends to a person."""
    return bool(row["severity"] == "review" and row["state"] == "broken")


def _applying(rows: Sequence[dict[str, Any]], alone: bool) -> list[dict[str, Any]]:
    """The rows that say anything of this model: the incumbent has no margin against itself."""
    if not alone:
        return list(rows)
    return [row for row in rows if row["floor"] is not None or row["ceiling"] is not None]


def _most_telling_break(row: dict[str, Any]) -> tuple[bool, float, str]:
    return (not row["hard"], row["p_broken_holm"], row["criterion"])


def _hardest_to_settle(row: dict[str, Any]) -> tuple[bool, bool, float, str]:
    prompts = row["needed_prompts"]
    amount = -math.inf if prompts is None else -prompts
    return (not not_the_models(row), not row["unmeasured"], amount, row["criterion"])


def _nearest_to_lost(row: dict[str, Any]) -> tuple[bool, float, bool, float, str]:
    """What used most of its room first; among those that lost nothing, the least sure."""
    used = -round(room_used(row), 3)
    return (is_remote(row), used, row["hard"], -row["p_passed"], row["criterion"])


def _sentence(
    verdict: str,
    deciding: Sequence[dict[str, Any]],
    review_reasons: Sequence[str],
    held: str,
    alone: bool,
) -> str:
    if not deciding and verdict != "REVIEW":
        return f"{verdict}: the contract has no criterion that decides, so nothing can be decided."
    first = deciding[0]["reason"] if deciding else ""
    if verdict == "NO-GO":
        return f"NO-GO: {first}.{_others(deciding[1:], 'broken')}"
    if verdict == "INCONCLUSIVE":
        others = _others(deciding[1:], "undecided")
        eyes = f" A person must look as well: {review_reasons[0]}." if review_reasons else ""
        return f"INCONCLUSIVE: {first}.{others} {what_settles(deciding, alone)}{eyes}"
    if verdict == "REVIEW":
        return (
            f"REVIEW: {held}, but a person must look first: "
            f"{'; '.join(review_reasons[:_NAMED])}.{_more(len(review_reasons) - _NAMED)}"
        )
    return f"GO: {held}; closest: {first}."


def _people(rows: Sequence[dict[str, Any]], sentence: str) -> str:
    """That people judged some of the images, where the sentence does not say so already."""
    asked = [row for row in rows if row.get("n_labelled")]
    if not asked or "people judged" in sentence or "judged by people" in sentence:
        return ""
    most = max(asked, key=lambda row: row["n_labelled"])
    used = any(most[name] is not None for name in ("judge_estimate", "judge_difference"))
    return (
        f" {capitalized(name_of_row(most))} was judged by people on {most['n_labelled']:.0f} of "
        f"{most['n_images']} images{'' if used else ', too few to decide by'}."
    )


def _unjudged(row: dict[str, Any]) -> str:
    """Why a person must look at what no judge could judge: it is no part of the mean."""
    unjudged, judged = row.get("n_unjudged") or 0, row["n_images"] or 0
    if unjudged <= _UNJUDGED * (unjudged + judged):
        return ""
    return (
        f"{name_of_row(row)}: {unjudged:.0f} of {unjudged + judged:.0f} images cannot be judged, "
        "and may be right or wrong"
    )


def _judges(gating: Sequence[dict[str, Any]]) -> str:
    """Which judges the gating criteria rest on, and how often these are right."""
    by_family = {
        row["metric"].partition(".")[0]: row["judge"] for row in gating if row.get("judge")
    }
    return "; ".join(f"{family} by {judge}" for family, judge in by_family.items())


def _stray(labels: int) -> str:
    """That some labels belong to no image."""
    if not labels:
        return ""
    return f" {labels} label{'s are' if labels > 1 else ' is'} of no image that was compared."


def _added(seeds: int) -> str:
    if not seeds:
        return ""
    return f" Rests on {seeds} more seed{'s' * (seeds > 1)} a prompt than the contract asks for."


def _looked(rows: Sequence[dict[str, Any]]) -> str:
    """Which look this is, where it is not the first."""
    if not rows or rows[0]["look"] == 1:
        return ""
    alpha = 100 * rows[0]["alpha"]
    return f" This is look {rows[0]['look']:.0f} at this comparison, judged at level {alpha:.2g} %."


def _more(count: int) -> str:
    """The reasons a sentence has no room for."""
    if count <= 0:
        return ""
    return f" {count} more {'reason is' if count == 1 else 'reasons are'} listed with the verdict."


def _surest(row: dict[str, Any]) -> tuple[float, str]:
    return (row["p_broken_holm"] or 0.0, row["criterion"])


def _held(gating: Sequence[Any], open_: Sequence[Any], incumbent: str, alone: bool) -> str:
    if gating and not open_:
        return what_holds(_applying(gating, alone), incumbent)
    return f"{len(gating) - len(open_)} of {len(gating)} criteria hold and none is broken"


def _others(rows: Sequence[dict[str, Any]], what: str) -> str:
    """Names the next criteria, and counts those too many to name."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name_of_row(row) for row in rows))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f" Also {what}: {', '.join(names[:_NAMED])}{more}."


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    """One criterion as `imgassets validate --json` prints it; limits it has not are left out."""
    entry = {key: row[key] for key in _ALWAYS} | {"value": row["estimate"]}
    entry |= {k: row[k] for k in ("floor", "ceiling", "margin") if row[k] is not None}
    if row["difference"] is not None:
        entry["difference"] = row["difference"]
    if row["delivered"] is not None:
        entry["delivered"] = row["delivered"]
    if row.get("n_labelled"):
        entry["labelled"] = int(row["n_labelled"])
    if row.get("judge"):
        entry["judge"] = row["judge"]
    return entry
