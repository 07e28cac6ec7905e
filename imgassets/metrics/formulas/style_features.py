"""Drift: do the candidate's images, taken together, look like the incumbent's?

Two models draw different pictures of one prompt, so pixels cannot be compared. Simple features can:
lightness, color, contrast, sharpness, fine noise. A shift of one of them over a whole prompt set is
a style change nobody asked for, or a broken color pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.images.filters import lab, laplacian
from imgassets.images.pixels import Pixels, check_rgb
from imgassets.metrics.formulas.artefact_patterns import luma

FEATURES = ("lightness", "green_red", "blue_yellow", "chroma", "contrast", "sharpness", "noise")
#: Fewer prompts cannot show anything: below it the test refuses.
LEAST_PROMPTS = 8


class TooFewPromptsError(ValueError):
    """Not enough prompts for the test; the verdict is inconclusive, not passed."""


@dataclass(frozen=True)
class FeatureDrift:
    """One feature over a prompt set.

    Attributes:
        feature: one of `FEATURES`.
        shift: mean difference candidate - incumbent, in the feature's unit; signed.
        effect: shift / standard deviation of the paired differences (Cohen's d_z).
        p_value: two-sided, of Wilcoxon's signed-rank test over prompts.
        p_adjusted: after Holm over all features; below alpha means drift.
    """

    feature: str
    shift: float
    effect: float
    p_value: float
    p_adjusted: float


def features(image: Pixels) -> NDArray[np.float64]:
    """The features of one image.

    Args:
        image: uint8, (H, W, 3), sRGB, at least 8 px a side.

    Returns:
        float64 (7,), in the order of `FEATURES`: mean CIELAB L* (0..100), a*, b* and chroma;
        standard deviation of luma (levels); log10 of the mean squared Laplacian of luma + 1;
        noise, the median absolute Laplacian (levels), which edges hardly move. No direction.
    """
    colors = lab(check_rgb(image, least=8))
    green_red, blue_yellow = colors[..., 1], colors[..., 2]
    plane = luma(image)
    detail = laplacian(plane)
    return np.array(
        [
            *cv2.mean(colors)[:3],
            np.sqrt(green_red * green_red + blue_yellow * blue_yellow).mean(),
            plane.std(),
            np.log10((detail**2).mean() + 1.0),
            np.median(np.abs(detail)),
        ],
        np.float64,
    )


def drift(
    incumbent: Sequence[NDArray[np.float64]], candidate: Sequence[NDArray[np.float64]]
) -> list[FeatureDrift]:
    """Tests each feature for a shift, paired by prompt.

    Args:
        incumbent, candidate: one (7,) vector a prompt, in the same order of prompts: the mean of
            `features` over the prompt's seeds, since images of one prompt are not independent.

    Returns:
        One entry a feature, in the order of `FEATURES`.

    Raises:
        TooFewPromptsError: fewer than 8 prompts.
        ValueError: the two sides differ in length.

    Source: Wilcoxon (1945) as in scipy; Holm (1979). Agreement: Holm's step-down by hand.
    """
    from scipy.stats import wilcoxon

    if len(incumbent) != len(candidate):
        raise ValueError(f"unpaired: {len(incumbent)} prompts against {len(candidate)}")
    if len(incumbent) < LEAST_PROMPTS:
        raise TooFewPromptsError(f"expected {LEAST_PROMPTS} prompts or more, got {len(incumbent)}")
    deltas = np.asarray(candidate, np.float64) - np.asarray(incumbent, np.float64)
    p_values = [1.0 if not d.any() else float(wilcoxon(d).pvalue) for d in deltas.T]
    adjusted = holm(p_values)
    spread = deltas.std(axis=0, ddof=1)
    effects = np.divide(deltas.mean(axis=0), spread, out=np.zeros_like(spread), where=spread > 0)
    return [
        FeatureDrift(name, float(deltas[:, i].mean()), float(effects[i]), p_values[i], adjusted[i])
        for i, name in enumerate(FEATURES)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: p-values that hold for all of the tests together."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    stepped = np.maximum.accumulate(np.asarray(p_values, float)[order] * factors)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, stepped)
    return [float(p) for p in adjusted]
