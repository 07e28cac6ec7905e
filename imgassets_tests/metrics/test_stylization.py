"""Stylization: a recolored picture keeps its structure, another picture does not."""

from __future__ import annotations

import numpy as np
import pytest

from imgassets.documents.metric_catalogue import METRICS
from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas.stylization import score
from imgassets_tests.metrics import image_faults as faults

PHOTOGRAPHS = {name: faults.photograph(name, 128) for name in faults.PHOTOGRAPHS}


def scores(stylized: np.ndarray, source: np.ndarray) -> tuple[float, float]:
    structure, change = (s.value for s in score(stylized, source))
    return structure, change


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_style_changes_colors_and_another_picture_the_structure(name: str) -> None:
    """Untouched: 1 and 0. Swapped colors: changed, structure kept. Shuffled: structure lost."""
    source = PHOTOGRAPHS[name]
    assert scores(source, source) == pytest.approx((1.0, 0.0))
    structure, change = scores(np.ascontiguousarray(source[..., ::-1]), source)
    assert structure > 0.8
    assert change > 10
    lost, _ = scores(np.ascontiguousarray(source[::-1, ::-1]), source)
    assert lost < structure - 0.3


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_more_noise_is_less_structure_and_more_change(name: str) -> None:
    """Both are monotone in the dose of a disturbance."""
    found = [
        scores(faults.noise(PHOTOGRAPHS[name], dose), PHOTOGRAPHS[name]) for dose in (2, 8, 30)
    ]
    structures, changes = zip(*found, strict=True)
    assert list(structures) == sorted(structures, reverse=True)
    assert list(changes) == sorted(changes)


def test_names_are_in_the_vocabulary_and_other_sizes_are_refused() -> None:
    source = PHOTOGRAPHS["coffee"]
    known = {m.name for m in METRICS.values() if m.family == "stylization"}
    assert {s.metric for s in score(source, source)} == known
    with pytest.raises(BadImageError):
        score(source[:-1], source)
