"""Stylization: did the style arrive, and did the picture stay the picture?

The two pull against each other, so read them together: `structure` alone is best when nothing was
done, `change` alone when everything was painted over.
"""

from __future__ import annotations

from imgassets.images.pixels import Pixels, check_pair
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.fidelity import delta_e, ssim
from imgassets.metrics.scores import Score


def score(stylized: Pixels, source: Pixels) -> list[Score]:
    """How a stylized image relates to what it was made from.

    Args:
        stylized, source: uint8, (H, W, 3), sRGB, equal sizes, at least 11 px a side.

    Returns:
        `stylization.structure`: mean SSIM of luma (-1..1, 1 is untouched, higher is better);
        `stylization.change`: mean CIEDE2000 (0 is untouched, higher means more style).

    Raises:
        BadImageError: not two RGB images of one size.
    """
    stylized, source = check_pair(stylized, source, least=11)
    return [
        Score("stylization.structure", ssim(luma(stylized), luma(source))),
        Score("stylization.change", float(delta_e(stylized, source).mean())),
    ]
