"""Bounds of quantiles hold for any distribution, and are no wider than they must be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from imgassets.decision.quantiles import quantile_upper, values_needed

Draw = Callable[[np.random.Generator, int], np.ndarray]


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, n: rng.exponential(1.0, n), -np.log(0.05)),
        (lambda rng, n: rng.normal(0.0, 1.0, n), 1.6448536),
        (lambda rng, n: rng.uniform(0.0, 1.0, n) ** 8, 0.95**8),
    ],
)
def test_the_bound_covers_as_often_as_promised(draw: Draw, truth: float) -> None:
    """Nominal 95 %, never much below, and not so wide that it always covers."""
    rng = np.random.default_rng(11)
    bounds = [quantile_upper(draw(rng, 200), 0.95, 0.05) for _ in range(2000)]
    covered = np.mean([bound is not None and bound >= truth for bound in bounds])
    assert 0.94 <= covered <= 0.985


def test_a_plain_sample_quantile_covers_only_half() -> None:
    """The other direction: what the bound is there to prevent."""
    rng = np.random.default_rng(11)
    samples = rng.exponential(1.0, (2000, 200))
    assert np.mean(np.quantile(samples, 0.95, axis=1) >= -np.log(0.05)) < 0.6


def test_fifty_nine_values_are_needed_for_p95() -> None:
    assert values_needed(0.95, 0.05) == 59
    assert quantile_upper(np.arange(58.0), 0.95, 0.05) is None
    assert quantile_upper(np.arange(59.0), 0.95, 0.05) == 58.0
    assert values_needed(0.99, 0.05) == 299
