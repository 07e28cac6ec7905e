"""Evidence of which people judged a part: their labels take the place of the judge's word.

The labelled prompts must be a random sample of all; `imgassets label-sample` draws one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from imgassets.decision import scales
from imgassets.decision.evidence import Evidence, Limit
from imgassets.decision.paired_scores import Measured, PerSeed
from imgassets.decision.people import LEAST, Corrected
from imgassets.decision.statistics import Floats
from imgassets.documents.criteria import Criterion
from imgassets.documents.labels import Labels
from imgassets.documents.model_document import Pairing
from imgassets.documents.scale_ends import Ends, ends_of_difference, natural_ends


class Said(NamedTuple):
    """One value of people and of the judge; `known` needs no person, since the images failed."""

    people: float
    judge: float
    known: bool = False

    def minus(self, other: Said) -> Said:
        """The difference of two; known where both are."""
        return Said(
            self.people - other.people, self.judge - other.judge, self.known and other.known
        )

    def scaled(self, share: float) -> Said:
        """With zeros for the rest, which failed."""
        return Said(share * self.people, share * self.judge, self.known)


#: By (prompt_id, seed), of all images that people judged or that failed.
SaidPerSeed = dict[tuple[str, int], Said]


@dataclass(frozen=True)
class Sample:
    """Prompts that people judged, and the others.

    Attributes:
        people, judge: float (n,), one a labelled prompt.
        others: float (N,), what the judge said of the other prompts.
        labelled: prompts with a label; `n` also counts those that failed and need none.
    """

    people: Floats
    judge: Floats
    others: Floats
    labelled: int

    @property
    def is_enough(self) -> bool:
        """Whether labels may decide: enough of them, or all there are."""
        return self.labelled >= (LEAST if self.others.size else 2)

    def corrected(self, ends: Ends) -> Corrected:
        """What people would say of all prompts."""
        return Corrected(self.people, self.judge, self.others, ends)


def with_people(
    found: Evidence,
    candidate: Measured,
    incumbent: Measured | None,
    labels: Labels,
    scale: Ends,
    pairing: Pairing,
) -> Evidence:
    """The evidence, corrected by what people said; as it was where they said nothing.

    Args:
        found: what the judge alone says.
        labels: by (image key, metric).
        scale: lowest and highest possible score under the contract.
    """
    criterion = found.criterion
    ours, images = said_of(candidate, criterion, labels)
    theirs, others = ({}, 0) if incumbent is None else said_of(incumbent, criterion, labels)
    if not images + others:
        return found
    told = f", judged by people on {images} of {found.counts.images} images"
    corrected = _own(
        replace(found, labelled=images), sample_of(ours, found.own_per_seed), scale, told
    )
    if incumbent is None:
        return corrected
    rival = sample_of(theirs, scales.scores_of(criterion, incumbent))
    if rival.is_enough:
        ends = _ends(criterion, natural_ends(criterion))
        corrected = replace(corrected, incumbent=rival.corrected(ends).value)
    pairs = _pairs(found, ours, incumbent, theirs, pairing)
    return _against(corrected, pairs, scale, told)


def _own(found: Evidence, sample: Sample, scale: Ends, told: str) -> Evidence:
    """With the model's own mean, and the limits it is held to."""
    limits = tuple(
        limit if limit.kind == "margin" else _judged(found.criterion, limit, sample, scale, told)
        for limit in found.limits
    )
    if not sample.is_enough:
        return replace(found, limits=limits)
    own = sample.corrected(_ends(found.criterion, scale))
    return replace(
        found, limits=limits, own=own, measured=own.value, judge=found.measured, delivered=None
    )


def _against(found: Evidence, pairs: Sample, scale: Ends, told: str) -> Evidence:
    """With the paired difference, and the margin it is held to."""
    spread = ends_of_difference(scale, natural_ends(found.criterion))
    limits = tuple(
        _judged(found.criterion, limit, pairs, spread, told) if limit.kind == "margin" else limit
        for limit in found.limits
    )
    if not pairs.is_enough:
        return replace(found, limits=limits)
    gap = pairs.corrected(_ends(found.criterion, spread))
    judge = None if found.difference is None else found.difference.value
    return replace(found, limits=limits, difference=gap, judge_difference=judge, paired=None)


def _judged(criterion: Criterion, limit: Limit, sample: Sample, ends: Ends, told: str) -> Limit:
    """A limit judged by what people said; by the judge alone, and why, where that is too little."""
    if limit.problem:
        return limit
    if not sample.is_enough:
        both = " of both models" if limit.kind == "margin" else ""
        people = f"people judged {sample.labelled or 'no'} prompts{both}, {LEAST} are needed"
        return replace(limit, people=f" (by the judge alone: {people})")
    estimate = sample.corrected(scales.for_limit(criterion, ends, limit.holds_above))
    return replace(limit, estimate=estimate, measured=estimate.value, people=told)


def _ends(criterion: Criterion, scale: Ends) -> Ends:
    """The ends that a table's bounds are made with."""
    return scales.for_limit(criterion, scale, criterion.definition.direction == "higher")


def said_of(measured: Measured, criterion: Criterion, labels: Labels) -> tuple[SaidPerSeed, int]:
    """What people and the judge said of a model's images, and how many images people judged.

    An image that neither failed nor has a label, or that the judge has no score of, is left out.
    """
    groups: dict[tuple[str, int], list[Said | None]] = {}
    images = 0
    for score in measured.listed(criterion.metric, criterion.flow):
        values = groups.setdefault((score.prompt_id, score.seed), [])
        said = labels.get((score.image_key, criterion.metric))
        if score.failed and scales.failed_counts_as_zero(criterion):
            values.append(Said(0.0, 0.0, known=True))
        elif said is not None and not math.isnan(score.value):
            values.append(Said(said, score.value))
            images += 1
        elif not math.isnan(score.value):
            values.append(None)
    means = {unit: together(values) for unit, values in groups.items()}
    return {unit: said for unit, said in means.items() if said is not None}, images


def together(values: Iterable[Said | None]) -> Said | None:
    """The mean over parts of which some may be unlabelled (None); those that failed are zeros."""
    parts = list(values)
    labelled = [said for said in parts if said is not None and not said.known]
    failed = sum(said is not None and said.known for said in parts)
    if not labelled:
        return Said(0.0, 0.0, known=True) if parts and failed == len(parts) else None
    people = math.fsum(said.people for said in labelled) / len(labelled)
    judge = math.fsum(said.judge for said in labelled) / len(labelled)
    return Said(people, judge).scaled(1 - failed / len(parts))


def _pairs(
    found: Evidence, ours: SaidPerSeed, incumbent: Measured, theirs: SaidPerSeed, pairing: Pairing
) -> Sample:
    """The labelled differences: of the same prompt, and of the same seed unless one is hosted."""
    if pairing == "prompt":
        mine = _by_prompt(ours, found.own_per_seed)
        rival = _by_prompt(theirs, scales.scores_of(found.criterion, incumbent))
        units = {(p, -1): said.minus(rival[p]) for p, said in mine.items() if p in rival}
    else:
        units = {unit: said.minus(theirs[unit]) for unit, said in ours.items() if unit in theirs}
    return sample_of(units, found.per_seed)


def sample_of(said: SaidPerSeed, judged: PerSeed) -> Sample:
    """One value a prompt.

    Prompts that failed altogether need no label. As large a share of them counts as labelled as of
    the others, chosen by the hash of their names: else they would be missing from the sample.
    """
    by_prompt = _by_prompt(said, judged)
    everyone = _prompt_means(judged)
    needing = [p for p in everyone if p not in by_prompt or not by_prompt[p].known]
    labelled = [p for p in needing if p in by_prompt]
    share = len(labelled) / len(needing) if needing else 1.0
    known = [p for p in everyone if p in by_prompt and by_prompt[p].known]
    chosen = sorted({*labelled, *(p for p in known if _chance(p) < share)})
    rest = sorted(everyone.keys() - chosen)
    return Sample(
        np.array([by_prompt[p].people for p in chosen], np.float64),
        np.array([by_prompt[p].judge for p in chosen], np.float64),
        np.array([everyone[p] for p in rest], np.float64),
        len(labelled),
    )


def _by_prompt(said: SaidPerSeed, judged: PerSeed) -> dict[str, Said]:
    """The mean over seeds of each prompt that people judged, or that failed."""
    units: dict[str, list[Said | None]] = {}
    for unit in judged:
        units.setdefault(unit[0], []).append(said.get(unit))
    means = {prompt: together(parts) for prompt, parts in units.items()}
    return {prompt: said for prompt, said in means.items() if said is not None}


def _prompt_means(judged: PerSeed) -> Mapping[str, float]:
    found: dict[str, list[float]] = {}
    for (prompt, _), value in judged.items():
        found.setdefault(prompt, []).append(value)
    return {prompt: sum(values) / len(values) for prompt, values in found.items()}


def _chance(name: str) -> float:
    """A number from 0 to 1 that is always the same for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
