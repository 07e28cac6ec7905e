"""What each photograph of the demo shows, and how a picture of it is put together.

Everything comes from eight photographs that anybody may use for anything. scikit-image and
matplotlib ship them; `contracts/photographs/README.md` names who made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets_tests.benchmarks.photo_cutouts import HOPPER, Cutout, Pixels, cutouts, photograph
from imgassets_tests.benchmarks.photo_scenes import SIDE, Placed, paste

Layout = Literal["alone", "row", "column", "square", "whole"]
#: a* and b* of the grounds, which are gray as they ship.
_TINT: dict[str, tuple[float, float]] = {"brick": (16, 14), "grass": (-14, 24), "gravel": (3, 10)}
#: Where things lie, in shares of the picture, and how long their longer side is.
_SPOTS: dict[Layout, tuple[tuple[float, float, float], ...]] = {
    "alone": ((0.5, 0.5, 0.7),),
    "row": ((0.26, 0.5, 0.45), (0.74, 0.5, 0.45)),
    "column": ((0.5, 0.26, 0.45), (0.5, 0.74, 0.45)),
    "square": ((0.25, 0.25, 0.45), (0.75, 0.25, 0.45), (0.25, 0.75, 0.45), (0.75, 0.75, 0.45)),
}
_PEOPLE = {"astronaut", "officer", "photographer"}
#: The part of a photograph that is shown whole, (x0, y0, x1, y1) in shares.
_WHOLE = {
    "astronaut": (0.0, 0.0, 1.0, 1.0),
    "camera": (0.0, 0.0, 1.0, 1.0),
    HOPPER: (0.0, 0.0, 1.0, 0.86),
    "coffee": (0.16, 0.0, 0.83, 1.0),
    "chelsea": (0.1, 0.0, 0.77, 1.0),
}


@dataclass(frozen=True)
class Scene:
    """One picture: a whole photograph, or things on a ground.

    Attributes:
        things: what is to be seen, from left to right or from top to bottom.
        ground: `brick`, `grass` or `gravel`; of a whole photograph its source.
        layout: how the things lie; `whole` is a photograph as it is.
    """

    things: tuple[str, ...]
    ground: str
    layout: Layout

    @property
    def classes(self) -> tuple[str, ...]:
        """COCO's class of each thing: an astronaut is a person."""
        return tuple("person" if thing in _PEOPLE else thing for thing in self.things)


def draw(scene: Scene, seed: int) -> Pixels:
    """A picture of a scene, uint8, (512, 512, 3), sRGB; the same for a seed."""
    if scene.layout == "whole":
        return _part(photograph(scene.ground), _WHOLE[scene.ground])
    rng = np.random.default_rng(seed)
    canvas = _ground(scene.ground, rng)
    for thing, (x, y, size) in zip(scene.things, _SPOTS[scene.layout], strict=False):
        left, down = rng.uniform(-0.02, 0.02, 2)
        paste(rng, canvas, Placed(_cutout(thing), x + left, y + down, size))
    return np.clip(np.round(canvas), 0, 255).astype(np.uint8)


@cache
def _cutout(thing: str) -> Cutout:
    tuned, held = cutouts("tune"), cutouts("held")
    if thing in _PEOPLE:
        return next(c for c in (tuned if thing == "astronaut" else held) if c.class_ == "person")
    return next(c for c in (*tuned, *held) if c.class_ == thing)


def _ground(name: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """A texture out of focus, in a color that it has in life."""
    gray = photograph(name)[..., 0]
    side = int(rng.integers(280, 480))
    top, left = rng.integers(0, gray.shape[0] - side, 2)
    cut = cv2.resize(gray[top : top + side, left : left + side], (SIDE, SIDE))
    lab = np.empty((SIDE, SIDE, 3), np.float32)
    lab[..., 0] = cv2.GaussianBlur(cut, (0, 0), 3.0).astype(np.float32) / 255.0 * 80.0 + 10.0
    lab[..., 1:] = _TINT[name]
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255.0, np.float32)


def _part(image: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """A square part, enlarged or made smaller."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
    side = min(x1 - x0, y1 - y0)
    way = cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC
    cut = np.ascontiguousarray(image[y0 : y0 + side, x0 : x0 + side])
    return np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=way), np.uint8)
