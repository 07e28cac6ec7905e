"""Tables that are not what they should be are refused with what to mend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from imgassets.decision import Measured
from imgassets.decision.errors import (
    DuplicateRowsError,
    MissingColumnsError,
    MissingKeysError,
    MixedRowsError,
    NonFiniteScoreError,
    UnknownStatusError,
)
from imgassets.decision.paired_scores import (
    OneScore,
    PerSeed,
    paired_differences,
    prompt_means,
    seed_means,
    variance_parts,
)
from imgassets_tests.decision.factories import NEW, measured, noisy

EXACT = "typography.exact"


@pytest.fixture
def good() -> Measured:
    return measured(NEW, {EXACT: lambda p, s: 1.0}, range(3))


def test_missing_columns(good: Measured) -> None:
    with pytest.raises(MissingColumnsError, match="seed"):
        Measured(NEW, good.rows.drop(columns="seed"), good.images)


def test_rows_of_another_model(good: Measured) -> None:
    with pytest.raises(MixedRowsError, match="expected only tiny-other"):
        Measured("tiny-other", good.rows, good.images)


def test_doubled_scores_and_images(good: Measured) -> None:
    with pytest.raises(DuplicateRowsError, match="scores are listed twice"):
        Measured(NEW, pd.concat([good.rows, good.rows.iloc[:1]]), good.images)
    with pytest.raises(DuplicateRowsError, match="requests are listed twice"):
        Measured(NEW, good.rows, pd.concat([good.images, good.images.iloc[:1]]))


def test_rows_without_a_seed(good: Measured) -> None:
    """They would silently fall out of every mean."""
    with pytest.raises(MissingKeysError, match="no seed"):
        Measured(NEW, good.rows.assign(seed=np.nan), good.images)


def test_infinite_scores(good: Measured) -> None:
    with pytest.raises(NonFiniteScoreError, match="infinite"):
        Measured(NEW, good.rows.assign(value=np.inf), good.images)


def test_unknown_status(good: Measured) -> None:
    with pytest.raises(UnknownStatusError, match="exploded"):
        Measured(NEW, good.rows, good.images.assign(status="exploded"))


def test_replicates_are_averaged_before_seeds() -> None:
    """Seed 1 made twice (0 and 1) counts .5, seed 2 made once counts 1: the prompt has .75."""
    scores = [OneScore("a", 1, 0.0), OneScore("a", 1, 1.0), OneScore("a", 2, 1.0)]
    assert prompt_means(seed_means(scores)).tolist() == [0.75]


def test_only_shared_seeds_are_paired() -> None:
    """A seed that failed for one model leaves the other model's image out as well."""
    ours = {("a", 1): 1.0, ("a", 2): 1.0, ("b", 1): 0.0}
    theirs = {("a", 1): 0.0, ("b", 1): 0.5}
    assert paired_differences(ours, theirs) == {("a", 1): 1.0, ("b", 1): -0.5}


def test_variance_is_split_between_prompts_and_seeds() -> None:
    """Prompts vary with sd 2, seeds with sd 1: found within 15 % on 800 x 4."""
    centers = np.random.default_rng(0).normal(0, 2, 800)
    noise = noisy(0.0, 1.0, 5)
    table = measured(NEW, {EXACT: lambda p, s: centers[p] + noise(p, s)}, range(800), (1, 2, 3, 4))
    between, within = variance_parts(table.per_seed(EXACT, "generate"))
    assert between == pytest.approx(4.0, rel=0.15)
    assert within == pytest.approx(1.0, rel=0.15)


def test_hosted_models_are_paired_by_prompt() -> None:
    """A seed that failed for one model does not take the other's image of that seed out."""
    by_seed = {EXACT: lambda p, s: float(s)}

    def per_seed(prompts: range, **more: Any) -> PerSeed:
        return measured(NEW, by_seed, prompts, **more).per_seed(EXACT, "generate")

    candidate = per_seed(range(2), failed={(0, 2): "timed_out"})
    zero = measured(NEW, {EXACT: lambda p, s: 0.0}, range(3)).per_seed(EXACT, "generate")
    assert list(paired_differences(candidate, zero).values()) == [1.0, 1.0, 2.0]
    by_prompt = paired_differences(candidate, zero, "prompt")
    assert [seed for _, seed in by_prompt] == [-1, -1]
    assert list(by_prompt.values()) == [1.0, 1.5]
    assert prompt_means(by_prompt).tolist() == [1.0, 1.5]
    uneven = per_seed(range(2), failed={(0, 1): "timed_out"})
    # By noise prompt 0 is gone, as no seed of it is left in both.
    assert list(paired_differences(candidate, uneven).values()) == [0.0, 0.0]
    assert list(paired_differences(candidate, uneven, "prompt").values()) == [-1.0, 0.0]
    _, within = variance_parts(by_prompt)
    assert np.isnan(within)
