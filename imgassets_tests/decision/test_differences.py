"""The p-value of a difference as a function of the margin it is held against."""

from __future__ import annotations

import numpy as np
import pytest

from imgassets.decision.people import Corrected
from imgassets.decision.statistics import Bounded, Difference, Estimate

RNG = np.random.default_rng(5)
SHARES = [RNG.binomial(1, 0.9, 60).astype(float) for _ in range(2)]
SPREAD = [RNG.uniform(0, 1, 40) for _ in range(2)]
TIMES = [RNG.normal(mean, 0.1, 20) for mean in (1.0, 1.2)]
JUDGED = np.where(RNG.uniform(size=60) < 0.8, SHARES[0], 1 - SHARES[0])
DIFFERENCES: dict[str, Bounded] = {
    "shares": Difference(*(Estimate.of(x, (0.0, 1.0)) for x in SHARES)),
    "scores": Difference(*(Estimate.of(x, (0.0, 1.0)) for x in SPREAD)),
    "a cost with a worst allowed": Difference(
        Estimate.of(TIMES[0], (None, 3.0), least=2), Estimate.of(TIMES[1], (0.0, None), least=2)
    ),
    "no known ends": Difference(*(Estimate.of(x, (None, None), least=2) for x in TIMES)),
    "people": Corrected(SHARES[0], JUDGED, RNG.binomial(1, 0.85, 200).astype(float), (0.0, 1.0)),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_p_values_are_continuous_and_monotone_in_the_margin(name: str) -> None:
    """A 30th of the way from shown to hold to shown to be broken moves no p-value far."""
    found = DIFFERENCES[name]
    above = [found.p_at_least(m) for m in np.linspace(found.lower(1e-3), found.lower(0.999), 30)]
    below = [found.p_at_most(m) for m in np.linspace(found.upper(1e-3), found.upper(0.999), 30)]
    for p_values in (above, below):
        steps = np.diff(p_values)
        assert steps.min() >= -1e-9
        assert steps.max() < 0.2
        assert (p_values[0], p_values[-1]) == pytest.approx((1e-3, 0.999), abs=1e-5)


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("alpha", [0.01, 0.3, 0.8])
def test_a_bound_is_where_the_p_value_is_its_level(name: str, alpha: float) -> None:
    found = DIFFERENCES[name]
    assert found.p_at_least(found.lower(alpha)) == pytest.approx(alpha, abs=1e-5)
    assert found.p_at_most(found.upper(alpha)) == pytest.approx(alpha, abs=1e-5)
