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
from imgassets.decision.review_closing import Closing, closing
from imgassets.decision.review_reasons import reasons
from imgassets.decision.settling import needed, not_the_models, unmeasured, what_settles

Decision = Literal["GO", "NO-GO", "REVIEW", "INCONCLUSIVE"]
#: How many further criteria a sentence names.
_NAMED = 3
Row = dict[str, Any]
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
        answered: further reasons, which people's answers closed.
        needed_pairs: further pairs, each of another prompt, that people must answer on to close a
            REVIEW; None where that is not what is missing.
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
    answered: tuple[str, ...] = ()
    needed_pairs: int | None = None
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
    alone = comparison.model == comparison.incumbent
    closed = closing(rows, reasons(rows))
    deciding = [r for r in rows if r["severity"] == "gating"]
    gating = [r | {"unmeasured": unmeasured(r, alone)} for r in deciding if not _is_said(r)]
    broken = [r for r in deciding if r["state"] == "broken"]
    open_ = sorted((r for r in gating if r["state"] == "undecided"), key=_hardest_to_settle)
    verdict = _ruled(broken, open_, gating, drift, closed)
    telling = _telling(verdict, rows, broken, open_, _applying(gating, alone), closed)
    asking = (*drift, *(reason.words for reason in closed.open))
    names = tuple(row["criterion"] for row in telling)
    prompts, seeds = needed(open_) if verdict == "INCONCLUSIVE" else (None, None)
    held = _held(gating, open_, comparison.incumbent, alone)
    said = _sentence(verdict, telling, asking, held, alone)
    return Verdict(
        endpoint=comparison.endpoint,
        model=comparison.model,
        incumbent=comparison.incumbent,
        verdict=verdict,
        decided_by=() if verdict == "GO" else names,
        closest_criterion=names[0] if verdict == "GO" and names else None,
        sentence=f"{said}{coverage(gating, told_if_all=verdict == 'GO')}{_answers(verdict, closed)}"
        f"{_people(rows, said)}{_stray(stray_labels)}{_added(added_seeds)}{_looked(rows)}",
        criteria=tuple(_entry(row) for row in rows),
        review_reasons=asking,
        answered=tuple(reason.words for reason in closed.answered),
        needed_pairs=closed.pairs if verdict == "REVIEW" else None,
        needed_prompts=prompts,
        needed_seeds=seeds,
        added_seeds=added_seeds,
        judges=_judges(gating),
        **_look_and_alpha(rows),
    )


def _ruled(
    broken: Sequence[Row], open_: Sequence[Row], gating: Sequence[Row], drift: Sequence[str],
    closed: Closing,
) -> Decision:  # fmt: skip
    """The rule: what is broken decides, then what is open, then what only people can answer."""
    if broken:
        return "NO-GO"
    if open_ or not gating:
        return "REVIEW" if drift else "INCONCLUSIVE"
    return "REVIEW" if drift or closed.open else "GO"


def _telling(
    verdict: Decision,
    rows: Sequence[Row],
    broken: Sequence[Row],
    open_: Sequence[Row],
    applying: Sequence[Row],
    closed: Closing,
) -> list[Row]:
    """The rows that a verdict rests on, the most telling first."""
    if verdict == "NO-GO":
        return sorted(broken, key=_most_telling_break)
    if open_ or not applying:
        return list(open_)
    by_name = {row["criterion"]: row for row in rows}
    asking = [by_name[reason.name] for reason in closed.open if not reason.unjudged]
    return asking or sorted(applying, key=_nearest_to_lost)


def _is_said(row: Row) -> bool:
    """Whether a row is of what people said: it answers a review, and asks for no more data."""
    return bool(row["source"] == "people")


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


def _answers(verdict: str, closed: Closing) -> str:
    """What people's answers closed, and what is missing where they do not yet."""
    if verdict in ("NO-GO", "INCONCLUSIVE"):
        return ""
    done = ""
    if closed.answered:
        words = "; ".join(reason.words for reason in closed.answered[:_NAMED])
        more = _more(len(closed.answered) - _NAMED)
        done = f" A person had to look ({words}), and {closed.by}.{more}"
    return done + closed.missing


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


def _looked(rows: Sequence[Row]) -> str:
    """Which look this is, where it is not the first; answers are looked at by themselves."""
    measured = [row for row in rows if not _is_said(row)]
    last = max(measured, key=lambda row: row["look"], default=None)
    answers = next((row for row in rows if _is_said(row)), None)
    said = ""
    if last is not None and last["look"] > 1:
        said = (
            f" This is look {last['look']:.0f} at this comparison, judged at level "
            f"{100 * last['alpha']:.2g} %."
        )
    if answers is not None and answers["look"] > 1:
        said += (
            f" This is look {answers['look']:.0f} at people's answers, judged at level "
            f"{100 * answers['alpha']:.2g} %."
        )
    return said


def _look_and_alpha(rows: Sequence[Row]) -> dict[str, Any]:
    """Of the comparison; what people said is looked at by itself."""
    measured = [row for row in rows if not _is_said(row)]
    if not measured:
        return {}
    looks, levels = ([row[name] for row in measured] for name in ("look", "alpha"))
    return {"look": int(max(looks)), "alpha": max(levels)}


def _more(count: int) -> str:
    """The reasons a sentence has no room for."""
    if count <= 0:
        return ""
    return f" {count} more {'reason is' if count == 1 else 'reasons are'} listed with the verdict."


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
