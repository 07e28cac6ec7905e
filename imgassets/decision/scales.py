"""Where a metric's scale ends: what nothing can be worse or better than.

A mean can only be shown to hold where the bad end is known: else one image in a thousand, not yet
seen, could be bad without limit. A scale ends by nature (a share, a PSNR of 8-bit images), or by
a `worst` limit of the same contract: what lies beyond it breaks the contract by itself.
"""

from __future__ import annotations

from imgassets.decision.paired_scores import Measured, PerSeed
from imgassets.decision.statistics import ENDLESS, Floats
from imgassets.documents.criteria import Criterion
from imgassets.documents.scale_ends import Ends

#: Units whose scores count as shares: judged by exact bounds both ways, a failed image is a 0.
SHARES = ("share", "similarity")


def is_share(criterion: Criterion) -> bool:
    """Whether the metric is a share or similarity, 0 to 1."""
    return criterion.definition.unit in SHARES


def failed_counts_as_zero(criterion: Criterion) -> bool:
    """Whether a failed image is a 0 of the metric: a share where higher is better."""
    return is_share(criterion) and criterion.definition.direction == "higher"


def scores_of(criterion: Criterion, measured: Measured) -> PerSeed:
    """A model's scores by prompt and seed, as the criterion takes failed images."""
    if failed_counts_as_zero(criterion):
        return measured.per_seed_of_all(criterion.metric, criterion.flow)
    return measured.per_seed(criterion.metric, criterion.flow)


def for_limit(criterion: Criterion, ends: Ends, holds_above: bool) -> Ends:
    """The ends that a limit is judged with.

    Shares use both. On other scales a limit can only be shown to hold with the bad side's end;
    that it is broken is shown by Student's t, which sees a fault much sooner. Criteria that do not
    gate raise alarms and approve nothing, so t serves them on both sides, and steps of the look
    likewise: no image can be worse than another there.
    """
    if is_share(criterion):
        return ends
    if criterion.severity != "gating" or criterion.definition.direction == "same":
        return ENDLESS
    return (ends[0], None) if holds_above else (None, ends[1])


def is_endless(criterion: Criterion, ends: Ends, holds_above: bool) -> bool:
    """Whether nothing can show the limit to hold, since the bad side has no known end."""
    if criterion.severity != "gating" or criterion.definition.direction == "same":
        return False
    return ends[0 if holds_above else 1] is None


def in_proportion(end: float | None, whole: Floats, part: Floats) -> float | None:
    """The end of `part` where it follows `whole` in a fixed ratio (money by the hour).

    Arguments: `whole` and `part` float (n,), of the same images; `end` that of `whole`.
    """
    if end is None or not whole.size or whole.min() <= 0:
        return None
    ratios = part / whole
    highest = float(ratios.max())
    return end * highest if highest - ratios.min() <= 1e-6 * highest else None
