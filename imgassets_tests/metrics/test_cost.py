"""What an image cost to make, where somebody told it and where nobody did."""

from __future__ import annotations

import math
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from imgassets.documents.price import Price
from imgassets.metrics.cost import FAMILY

BY_HOUR = Price(usd_per_hour=3.6, source="a list", as_of=date(2026, 1, 1))
BY_IMAGE = Price(usd_per_image=0.04, source="a list", as_of=date(2026, 1, 1))


def scores(price: Price, seconds: float | None, usd: float | None = None) -> dict[str, Any]:
    image = SimpleNamespace(seconds=seconds, usd=usd, peak_memory_mib=1.0, flow="generate")
    found = FAMILY.scorer(SimpleNamespace(price=price))(image)  # type: ignore[arg-type]
    return {score.metric: score for score in found}


@pytest.mark.parametrize("seconds", [None, math.nan, 0.0])
def test_what_nobody_told_has_no_number_but_a_reason(seconds: float | None) -> None:
    """0 stands in records of an earlier version."""
    by_hour = scores(BY_HOUR, seconds)
    for metric in ("cost.seconds", "cost.usd"):
        assert math.isnan(by_hour[metric].value)
        assert "nobody told" in by_hour[metric].reason
    assert scores(BY_IMAGE, seconds)["cost.usd"].value == 0.04
    assert scores(BY_HOUR, seconds, 0.5)["cost.usd"].value == 0.5


def test_what_was_measured_is_told_as_it_is() -> None:
    found = scores(BY_HOUR, 10.0)
    assert (found["cost.seconds"].value, found["cost.seconds"].reason) == (10.0, "")
    assert found["cost.usd"].value == pytest.approx(0.01)
