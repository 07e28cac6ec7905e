"""Edit stability: outside the mask nothing may change, and the border must not show.

Inpainting that decodes the whole image through a VAE changes every pixel a little (diffusers
#4782); pasted regions leave seams. Whether the inside shows what was asked for is composition and
typography, not this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgassets.images.filters import ciede2000, grown, lab, largest_difference
from imgassets.images.pixels import BadImageError, Pixels, check_pair
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.fidelity import SSIM_RADIUS, psnr, ssim_map
from imgassets.metrics.scores import Score

#: Width of the band around the mask in which bleeding shows first, in pixels.
BAND = 8
#: Width of the rings on either side of the border whose colors are compared, in pixels.
RING = 3

Mask = NDArray[np.bool_]


def score(edited: Pixels, source: Pixels, mask: Mask) -> list[Score]:
    """All measures of one edit.

    Args:
        edited, source: uint8, (H, W, 3), sRGB, of one size of at least 32 px.
        mask: bool (H, W), True where the edit may paint; some of it, not all.

    Returns:
        Of family `edit_stability`: `.psnr_outside` (dB, higher is better), `.ssim_outside` (-1..1,
        higher), `.max_difference` (levels 0..255, lower), `.changed_outside` and `.changed_band`
        (shares 0..1, lower), `.changed_inside` (share 0..1, higher: an edit that paints nothing is
        none), `.seam` (levels, lower), `.border_color` (CIEDE2000, lower). See the functions below.

    Raises:
        BadImageError: sizes differ, a mask of another shape or type, all or nothing masked.
    """
    edited, source = check_pair(edited, source, least=32)
    check_mask(mask, edited)
    apart = largest_difference(edited, source)
    changed = apart > 0
    worst = int(apart[~mask].max())
    share = float(changed[~mask].mean())
    outside = f"{share:.1%} of the pixels outside changed, by up to {worst}" if share else ""
    return [
        Score("edit_stability.psnr_outside", psnr(edited, source, ~mask), outside),
        Score("edit_stability.ssim_outside", ssim_outside(edited, source, mask), outside),
        Score("edit_stability.max_difference", float(worst), outside),
        Score("edit_stability.changed_outside", share, outside),
        Score("edit_stability.changed_band", float(changed[band(mask, BAND)].mean()), outside),
        Score("edit_stability.changed_inside", float(changed[mask].mean())),
        Score("edit_stability.seam", seam(edited, mask)),
        Score("edit_stability.border_color", border_color(edited, mask)),
    ]


def check_mask(mask: Mask, image: Pixels) -> None:
    """Refuses what is no mask of an image.

    Raises:
        BadImageError: another type or shape; all masked, nothing masked.
    """
    if mask.dtype != np.bool_ or mask.shape != image.shape[:2]:
        raise BadImageError(
            f"expected a bool mask of shape {image.shape[:2]}, got {mask.dtype} {mask.shape}"
        )
    if mask.all() or not mask.any():
        raise BadImageError("the mask covers all or nothing; there is no outside to keep")


def band(mask: Mask, width: int) -> Mask:
    """Pixels outside the mask, up to `width` px away from it (square neighbourhood)."""
    return grown(mask, width) & ~mask


def ssim_outside(edited: Pixels, source: Pixels, mask: Mask) -> float:
    """Mean SSIM of luma over pixels whose window sees nothing of the mask; -1..1, 1 is equal.

    Where the mask leaves no such pixel, all pixels outside count.
    """
    apart = ~grown(mask, SSIM_RADIUS)
    return float(ssim_map(luma(edited), luma(source))[apart if apart.any() else ~mask].mean())


def seam(edited: Pixels, mask: Mask) -> float:
    """How much larger the steps across the mask's border are than those beside it.

    Returns:
        Mean absolute step of luma between neighbours on two sides of the border, less that between
        neighbours within `RING` px on one side; levels, 0 and up, lower is better. 0 when the
        border does not show. An object cut off at the border shows, rightly.
    """
    plane = luma(edited)
    near = grown(mask, RING) & grown(~mask, RING)
    across, beside = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(plane, axis=axis))
        first, second = (_part(mask, axis, last) for last in (False, True))
        close = _part(near, axis, False) & _part(near, axis, True)
        across.append(steps[first != second])
        beside.append(steps[(first == second) & close])
    mean_beside = np.concatenate(beside).mean() if sum(map(len, beside)) else 0.0
    return max(0.0, float(np.concatenate(across).mean() - mean_beside))


def border_color(edited: Pixels, mask: Mask) -> float:
    """CIEDE2000 between the median colors of the rings inside and outside the border; 0 and up.

    Lower is better. Medians, so that an object touching the border does not count, but a patch of
    background of another shade does.
    """
    inside = np.median(lab(edited[grown(~mask, RING) & mask]), axis=0)
    outside = np.median(lab(edited[band(mask, RING)]), axis=0)
    return float(ciede2000(outside, inside))


@dataclass(frozen=True)
class EditStep:
    """What is left of the source after so many edits, outside all masks.

    Attributes:
        edits: number of edits made.
        psnr: against the source, dB; higher is better.
        changed: share of pixels changed against the source, 0..1; lower is better.
        color: mean difference of the three channels, levels, signed; 0 is none.
    """

    edits: int
    psnr: float
    changed: float
    color: tuple[float, float, float]


def repeated_edits(images: Sequence[Pixels], masks: Sequence[Mask]) -> list[EditStep]:
    """How far repeated edits drift from the source where none of them was allowed to paint.

    Args:
        images: the source, then the image after each edit: at least two, of one size.
        masks: the mask of each edit, one fewer than images.

    Returns:
        One step for each edit, in order.

    Raises:
        BadImageError: counts or sizes do not fit, or the masks together leave no outside.
    """
    if len(images) < 2 or len(masks) != len(images) - 1:
        raise BadImageError(
            f"expected a source and an image for each mask, got {len(images)} images and "
            f"{len(masks)} masks"
        )
    source, union = images[0], np.zeros(images[0].shape[:2], np.bool_)
    steps = []
    for number, (image, mask) in enumerate(zip(images[1:], masks, strict=True), 1):
        check_pair(image, source)
        union = union | mask
        check_mask(union, image)
        apart = image.astype(float)[~union] - source[~union]
        red, green, blue = (float(mean) for mean in apart.mean(axis=0))
        changed = float((apart != 0).any(axis=1).mean())
        steps.append(EditStep(number, psnr(image, source, ~union), changed, (red, green, blue)))
    return steps


def _part(values: NDArray, axis: int, last: bool) -> NDArray:
    """All but the first (`last`) or all but the last of each row or column: pairs of neighbours."""
    chosen = slice(1, None) if last else slice(None, -1)
    return values[chosen] if axis == 0 else values[:, chosen]
