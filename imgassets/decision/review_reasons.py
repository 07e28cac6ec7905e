"""Why a verdict sends to people, and the pairs of images that show it.

`imgassets review` shows these pairs before all others, and a REVIEW is not closed before somebody
answered each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from imgassets.decision.names import name_of_row
from imgassets.decision.paired_scores import Measured, OneScore
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.yardstick import ALWAYS

#: A row of the comparison as `Comparison.records` gives it.
Row = Mapping[str, Any]
#: Pairs that show one reason, at most.
MOST = 5
#: Share of images that may go unjudged without a person who looks at them.
_UNJUDGED = 0.02


@dataclass(frozen=True)
class Reason:
    """One thing that sends to people.

    Attributes:
        name: of the criterion; `yardstick.ALWAYS` where people look at every candidate.
        flow: whose images are to be looked at; empty where the reason is of no flow.
        words: as the verdict says it.
        unjudged: whether images are to be looked at that no judge could judge.
    """

    name: str
    flow: str
    words: str
    unjudged: bool = False


class Pair(NamedTuple):
    """One image of the candidate beside the incumbent's, and the request of the first."""

    flow: str
    prompt_id: str
    seed: int
    candidate_key: str
    incumbent_key: str


def reasons(rows: Sequence[Row]) -> list[Reason]:
    """What sends to people, but for drift: images no judge could judge, then the surest first.

    Args:
        rows: of the comparison, without missing values (`Comparison.records`).
    """
    asking = sorted(filter(_asks, rows), key=_surest)
    return [
        *(Reason(r["criterion"], r["flow"], _words(r), True) for r in rows if _is_unjudged(r)),
        *(Reason(r["criterion"], r["flow"], r["reason"]) for r in asking),
    ]


def directed_pairs(
    endpoint: DecisionContract,
    found: Sequence[Reason],
    candidate: Measured,
    incumbent: Measured,
) -> dict[str, tuple[Pair, ...]]:
    """The pairs that show each reason best, by its name: at most `MOST`, each prompt once.

    Of the same seed, both images there, and of replicates the first.

    They are no random sample: what people say of them answers the reason and estimates nothing.

    Args:
        endpoint: the contract.
        found: from `reasons`.
        candidate, incumbent: what was measured.
    """
    pairs = seen_pairs(candidate, incumbent)
    shown = {
        reason.name: _shown(endpoint, reason, candidate, incumbent, pairs)
        for reason in found
        if reason.name != ALWAYS
    }
    return {name: tuple(_first_of_each_prompt(these)) for name, these in shown.items()}


def seen_pairs(candidate: Measured, incumbent: Measured) -> dict[str, Pair]:
    """All pairs that people can look at, by the candidate's image key."""
    mine, theirs = _images(candidate), _images(incumbent)
    both = (request for request in mine if request in theirs)
    return {mine[r]: Pair(*r, mine[r], theirs[r]) for r in both}


def _images(measured: Measured) -> dict[tuple[str, str, int], str]:
    """Keys of the images that are there, by flow, prompt and seed; of replicates the first."""
    columns = ["flow", "prompt_id", "seed", "replicate", "image_key"]
    there = measured.images.loc[measured.images["status"] == "ok", columns]
    rows = there.sort_values(columns, ascending=False).itertuples(index=False, name=None)
    return {(str(flow), str(prompt), int(seed)): str(key) for flow, prompt, seed, _, key in rows}


def _shown(
    endpoint: DecisionContract,
    reason: Reason,
    candidate: Measured,
    incumbent: Measured,
    pairs: Mapping[str, Pair],
) -> Iterator[Pair]:
    """Pairs of a reason, the most telling first."""
    disagreeing = next((d for d in endpoint.review.disagree if d.name == reason.name), None)
    if disagreeing is not None:
        one, two = (_scores(candidate, m, reason.flow) for m in disagreeing.metrics)
        keys = [k for k in one if k in two and (one[k].value >= 0.5) != (two[k].value >= 0.5)]
        yield from (pairs[key] for key in sorted(keys) if key in pairs)
        return
    metric, direction = _measured_by(endpoint, reason.name)
    if reason.unjudged:
        listed = candidate.listed(metric, reason.flow)
        yield from (pairs[s.image_key] for s in listed if s.unjudged and s.image_key in pairs)
        return
    theirs = _scores(incumbent, metric, reason.flow)
    losses = [
        (*loss, pairs[key][:3], pairs[key])
        for key, score in _scores(candidate, metric, reason.flow).items()
        if key in pairs and (loss := _loss(direction, score, theirs.get(pairs[key].incumbent_key)))
    ]
    yield from (pair for *_, pair in sorted(losses))


def _measured_by(endpoint: DecisionContract, name: str) -> tuple[str, str]:
    """The metric of a criterion, or of the one that something is near to, and its direction."""
    names = (name, name.removesuffix("__near"))
    criterion = next(c for c in endpoint.all_criteria if c.name in names)
    return criterion.metric, criterion.definition.direction


def _scores(measured: Measured, metric: str, flow: str) -> dict[str, OneScore]:
    listed = measured.listed(metric, flow)
    return {s.image_key: s for s in listed if s.value == s.value}


def _loss(direction: str, ours: OneScore, theirs: OneScore | None) -> tuple[float, float] | None:
    """Sorts first what lost most: by the score itself, then by the step from the incumbent's.

    None where there is nothing to be seen: no step for the worse, and no score below the best.
    """
    gap = 0.0 if theirs is None else ours.value - theirs.value
    if direction == "same":
        return (-abs(gap), 0.0) if gap else None
    sign = 1.0 if direction == "higher" else -1.0
    best = ours.value >= 1.0 if direction == "higher" else ours.value <= 0.0
    return None if sign * gap >= 0 and best else (sign * ours.value, sign * gap)


def _first_of_each_prompt(pairs: Iterator[Pair]) -> Iterator[Pair]:
    prompts: set[str] = set()
    for pair in pairs:
        if pair.prompt_id not in prompts and len(prompts) < MOST:
            prompts.add(pair.prompt_id)
            yield pair


def _asks(row: Row) -> bool:
    """Whether a row sends to a person."""
    return bool(row["severity"] == "review" and row["state"] == "broken")


def _surest(row: Row) -> tuple[float, str]:
    return (row["p_broken_holm"] or 0.0, row["criterion"])


def _is_unjudged(row: Row) -> bool:
    """Whether more images than `_UNJUDGED` are no part of a gating mean, so a person must look."""
    unjudged, judged = row.get("n_unjudged") or 0, row["n_images"] or 0
    return row["severity"] == "gating" and unjudged > _UNJUDGED * (unjudged + judged)


def _words(row: Row) -> str:
    unjudged, judged = row["n_unjudged"], row["n_images"] or 0
    return (
        f"{name_of_row(row)}: {unjudged:.0f} of {unjudged + judged:.0f} images cannot be judged, "
        "and may be right or wrong"
    )
