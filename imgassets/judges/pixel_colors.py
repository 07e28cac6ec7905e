"""The color of an object in a photograph, from its pixels alone: no weights.

A box holds an object and what is behind it, and an object has lights and shadows. So pixels near
the middle count most, colors that the ring around the box shows count less, and so do blacks,
grays and whites, which is what lights and shadows look like.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.color_names import name_indices
from imgassets.judges.detector_classes import COLOR_NAMES

Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]

#: Colors are compared with those of the ring in steps of 32 levels a channel.
_BITS = 3
#: Longer sides are reduced to this many pixels: colors need no more.
_SIDE = 96
_GRAYS = tuple(COLOR_NAMES.index(name) for name in ("black", "white", "gray"))


@dataclass(frozen=True)
class PixelColors:
    """The most frequent color name of an object, weighted as above; for one-colored objects.

    Attributes:
        spread: standard deviation, in half sides of the box, of the weight around its middle.
        ring: width of the ring around the box, in sides of the box.
        background: how much a color of the ring loses; 0 looks at no ring.
        grays: what a black, gray or white pixel counts, of 1.
    """

    colors: tuple[str, ...] = COLOR_NAMES
    spread: float = 0.5
    ring: float = 0.15
    background: float = 1.0
    grays: float = 0.5

    def color(
        self,
        image: NDArray[np.uint8],
        box: Box,
        class_: str,  # noqa: ARG002 - other judges of colors look at the word
        mask: NDArray[np.bool_] | None = None,
    ) -> str | None:
        """The name of the color of the object in a box.

        Args:
            image: uint8, (H, W, 3), sRGB, 0..255.
            box: (x0, y0, x1, y1) in pixels of the image; may reach beyond it.
            class_: what the object is.
            mask: bool, (H, W): the pixels of the object, where they are known; then those count
                alone and alike.

        Returns:
            A name in `colors`; None for a box or a mask without pixels.
        """
        cut, place, known = _around(image, box, self.ring, mask)
        if not cut.size:
            return None
        if known is not None:
            weights = known.astype(np.float64)
        else:
            inside, near = self._weights(cut.shape[:2], place)
            weights = inside * self._not_behind(cut, inside, near)
        votes = np.bincount(name_indices(cut).ravel(), weights.ravel(), len(COLOR_NAMES)).astype(
            np.float64
        )
        if not votes.any():
            return None
        votes[list(_GRAYS)] *= self.grays
        return COLOR_NAMES[int(votes.argmax())]

    def _weights(self, shape: tuple[int, ...], box: Box) -> tuple[Floats, NDArray[np.bool_]]:
        """Of each pixel: its weight as part of the object, and whether it is in the ring."""
        rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
        across = (columns - (box[0] + box[2]) / 2) / max((box[2] - box[0]) / 2, 1e-6)
        down = (rows - (box[1] + box[3]) / 2) / max((box[3] - box[1]) / 2, 1e-6)
        outside = np.maximum(np.abs(across), np.abs(down)) > 1.0
        inside = np.exp(-(across**2 + down**2) / (2 * self.spread**2))
        inside[outside] = 0.0
        return inside, outside

    def _not_behind(
        self, cut: NDArray[np.uint8], inside: Floats, ring: NDArray[np.bool_]
    ) -> Floats:
        """How likely a pixel's color is the object's: shares of object and ring, compared."""
        if not self.background or not ring.any() or not inside.any():
            return np.ones(inside.shape)
        coarse = (cut >> (8 - _BITS)).astype(np.intp)
        bins = ((coarse[..., 0] << _BITS) + coarse[..., 1] << _BITS) + coarse[..., 2]
        size = 1 << (3 * _BITS)
        own = np.bincount(bins.ravel(), inside.ravel(), size) / inside.sum()
        behind = np.bincount(bins[ring], minlength=size) / ring.sum()
        # The square: a color that is as frequent behind as in the box is likely from behind.
        odds = own**2 / np.maximum(own**2 + self.background * behind**2, 1e-12)
        return odds[bins]


def _around(
    image: NDArray[np.uint8], box: Box, ring: float, mask: NDArray[np.bool_] | None
) -> tuple[NDArray[np.uint8], Box, NDArray[np.bool_] | None]:
    """The box with its ring, cut out and reduced: pixels, the box in them, the mask of them."""
    height, width = image.shape[:2]
    x0, y0 = max(0.0, box[0]), max(0.0, box[1])
    x1, y1 = min(float(width), box[2]), min(float(height), box[3])
    if x0 >= x1 or y0 >= y1:
        return image[:0], box, mask
    across, down = ring * (x1 - x0), ring * (y1 - y0)
    left, top = max(0, int(x0 - across)), max(0, int(y0 - down))
    right = min(width, int(np.ceil(x1 + across)))
    bottom = min(height, int(np.ceil(y1 + down)))
    cut = image[top:bottom, left:right]
    known = None if mask is None else mask[top:bottom, left:right]
    reduced = min(1.0, _SIDE / max(cut.shape[:2]))
    if reduced < 1.0:
        size = (max(1, round(cut.shape[1] * reduced)), max(1, round(cut.shape[0] * reduced)))
        if known is not None:
            known = cv2.resize(known.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
        cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = (cut.shape[1] / (right - left), cut.shape[0] / (bottom - top))
    a, b = ((x - left) * scale[0] for x in (x0, x1))
    c, d = ((y - top) * scale[1] for y in (y0, y1))
    return cut, (a, c, b, d), known
