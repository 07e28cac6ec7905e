"""Criteria on what people said of pairs: one number a prompt, bounded like any other share.

A pair's number is the mean over people, a prompt's the mean over its pairs. Only the random sample
counts. A request that the candidate failed was not accepted and not preferred; nobody need be asked
about it, so prompts that failed altogether count in the same proportion as those that people saw.
"""

from __future__ import annotations

import math

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.evidence import Counts, Evidence, Limit, absolute
from imgassets.decision.heard import Heard, value_of
from imgassets.decision.paired_scores import Measured, PerSeed
from imgassets.decision.people_evidence import Said, SaidPerSeed, sample_of, together
from imgassets.decision.review_reasons import seen_pairs
from imgassets.decision.statistics import Estimate
from imgassets.documents.criteria import Criterion
from imgassets.documents.failures import NOT_THE_MODELS

_NOBODY = "nobody has answered on a pair of the random sample"
_ONE = "people answered on pairs of one prompt, at least 2 are needed"
_SHARE = (0.0, 1.0)


def gather_review(
    criterion: Criterion, candidate: Measured, incumbent: Measured, said: Heard
) -> Evidence:
    """All evidence on one criterion of family `review`.

    Too little data never raises here: the limit then carries the problem in words.
    """
    per_seed, asked, failed = _per_seed(criterion, candidate, incumbent, said)
    sample = sample_of(per_seed, asked)
    try:
        estimate = Estimate.of(sample.people, _SHARE)
    except TooLittleDataError:
        estimate = None
    problem = "" if estimate else _ONE if sample.labelled else _NOBODY
    measured = estimate.value if estimate else None
    drawn = said.drawn(criterion.flow)
    pairs = len({answer.pair for answer in drawn})
    return Evidence(
        criterion,
        counts=Counts(sample.labelled, pairs, failed, 0, len({prompt for prompt, _ in asked})),
        own=estimate,
        measured=measured,
        incumbent=None,
        limits=tuple(
            Limit(*limit, estimate=estimate, measured=measured, problem=problem)
            for limit in absolute(criterion)
        ),
    )


def _per_seed(
    criterion: Criterion, candidate: Measured, incumbent: Measured, said: Heard
) -> tuple[SaidPerSeed, PerSeed, int]:
    """What people said by prompt and seed, all that could be asked, and requests that failed."""
    by_key: dict[str, list[float]] = {}
    for answer in said.drawn(criterion.flow):
        by_key.setdefault(answer.candidate_key, []).append(value_of(answer, criterion.metric))
    parts: dict[tuple[str, int], list[Said | None]] = {}
    pairs = seen_pairs(candidate, incumbent)
    for prompt, seed, key, status in _requests(candidate, criterion.flow):
        values = by_key.get(key)
        if status not in ("ok", *NOT_THE_MODELS):
            parts.setdefault((prompt, seed), []).append(Said(0.0, 0.0, known=True))
        elif values:
            mean = math.fsum(values) / len(values)
            parts.setdefault((prompt, seed), []).append(Said(mean, 0.0))
        elif key in pairs:
            parts.setdefault((prompt, seed), []).append(None)
    failed = sum(part is not None and part.known for unit in parts.values() for part in unit)
    means = {unit: together(values) for unit, values in sorted(parts.items())}
    found = {unit: mean for unit, mean in means.items() if mean is not None}
    return found, dict.fromkeys(means, 0.0), failed


def _requests(measured: Measured, flow: str) -> list[tuple[str, int, str, str]]:
    columns = ["prompt_id", "seed", "image_key", "status"]
    rows = measured.images.loc[measured.images["flow"] == flow, columns]
    return list(rows.itertuples(index=False, name=None))
