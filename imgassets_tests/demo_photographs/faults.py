"""The faults planted into the trial's photographs, and which criterion has to catch each."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image

from imgassets_tests.benchmarks.photo_cutouts import Pixels
from imgassets_tests.demo_photographs.scenes import Scene

#: How a criterion is called in a verdict.
OBJECTS = "generate__composition_correct"
FACES = "generate__faces_count"
BLANK = "generate__failures_blank"
BLOCKS = "generate__artefacts_blockiness__worst"
REPEATED = "generate__look_repeated__worst"
MISSING = "generate__failures_no_file"
CUT = "generate__failures_unreadable"
SIZE = "generate__failures_wrong_size"


@dataclass(frozen=True)
class Fault:
    """One fault of one photograph.

    Attributes:
        caught_by: the criteria that it breaks; the first is what it was planted for.
        told: what is wrong, for people.
        shown: the scene that is shown instead.
        spoil: what is done to the pixels.
        smeared: whether the face is smeared.
        encode: what is done to the file; None leaves it out.
        image_of: the prompt whose photograph is handed over instead.
    """

    caught_by: tuple[str, ...]
    told: str
    shown: Callable[[Scene], Scene] | None = None
    spoil: Callable[[Pixels], Pixels] | None = None
    smeared: bool = False
    encode: Callable[[bytes], bytes | None] | None = None
    image_of: str | None = None


def _only(index: int) -> Callable[[Scene], Scene]:
    return lambda scene: replace(scene, things=(scene.things[index],), layout="alone")


def _fewer(scene: Scene) -> Scene:
    return replace(scene, things=scene.things[:-1])


def _more(scene: Scene) -> Scene:
    return replace(scene, things=(*scene.things, scene.things[-1]))


def _turned(scene: Scene) -> Scene:
    return replace(scene, things=scene.things[::-1])


def _other(thing: str) -> Callable[[Scene], Scene]:
    return lambda scene: replace(scene, things=(thing,))


def smear(image: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """A face (x0, y0, x1, y1 in pixels) without features, as bad generators leave it."""
    x0, y0, x1, y1 = box
    middle = (round((x0 + x1) / 2), round((y0 + y1) / 2))
    axes = (round(0.7 * (x1 - x0)), round(0.7 * (y1 - y0)))
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 1.0, cv2.FILLED)
    mask = cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None]
    streaks = cv2.blur(image, (axes[0], axes[1]))
    return np.asarray(mask * streaks + (1.0 - mask) * image, np.uint8)


def _gray(image: Pixels) -> Pixels:
    return np.full_like(image, 128)


def _lower(image: Pixels) -> Pixels:
    """A quarter of the height is cut off."""
    return image[: 3 * image.shape[0] // 4]


def _again_as_jpeg(quality: int) -> Callable[[Pixels], Pixels]:
    def spoil(image: Pixels) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return spoil


def _missing(told: str, index: int, *caught_by: str) -> Fault:
    return Fault((OBJECTS, *caught_by), told, shown=_only(index))


_FACE = Fault((FACES,), "the face is smeared", smeared=True)
#: By the prompt's id.
FAULTS = {
    "cat-left-of-cup-on-brick": _missing("the cup is missing", 0),
    "astronaut-left-of-cup-on-gravel": _missing("the astronaut is missing", 1, FACES),
    "officer-left-of-cat-on-gravel": _missing("the officer is missing", 1, FACES),
    "four-cups-on-gravel": Fault((OBJECTS,), "one cup too few", shown=_fewer),
    "four-cats-on-brick": Fault((OBJECTS,), "one cat too few", shown=_fewer),
    "three-cats-on-grass": Fault((OBJECTS,), "one cat too many", shown=_more),
    "three-people-on-grass": Fault((OBJECTS, FACES), "one person too many", shown=_more),
    "cat-on-brick": Fault((OBJECTS,), "a cup in place of the cat", shown=_other("cup")),
    "cup-on-gravel": Fault(
        (OBJECTS, FACES), "an officer in place of the cup", shown=_other("officer")
    ),
    "officer-on-grass": Fault(
        (OBJECTS, FACES), "a cat in place of the officer", shown=_other("cat")
    ),
    "cup-left-of-cat-on-brick": Fault((OBJECTS,), "the cat is left of the cup", shown=_turned),
    "cat-above-cup-on-gravel": Fault((OBJECTS,), "the cup is above the cat", shown=_turned),
    # A person without a face is no person to the judge of objects, here.
    "portrait-of-astronaut": replace(_FACE, caught_by=(FACES, OBJECTS)),
    "portrait-of-officer": _FACE,
    "astronaut-on-brick": _FACE,
    "astronaut-on-grass": _FACE,
    "officer-on-gravel": _FACE,
    "officer-left-of-cat-on-brick": _FACE,
    "cat-close-by": Fault((BLANK, OBJECTS), "a blank", spoil=_gray),
    "cat-on-gravel": Fault((MISSING, OBJECTS, FACES), "no file", encode=lambda _: None),
    "officer-on-brick": Fault(
        (CUT, OBJECTS, FACES), "a file cut in half", encode=lambda data: data[: len(data) // 2]
    ),
    "cat-on-grass": Fault((SIZE, OBJECTS, FACES), "too low by a quarter", spoil=_lower),
    "photographer-in-field": Fault((BLOCKS,), "saved as JPEG 10", spoil=_again_as_jpeg(10)),
    "two-cups-on-brick": Fault((BLOCKS, OBJECTS), "saved as JPEG 10", spoil=_again_as_jpeg(10)),
    "three-cups-on-brick": Fault(
        (REPEATED,), "the cups on gravel once more", image_of="three-cups-on-gravel"
    ),
    "three-cats-on-brick": Fault(
        (REPEATED,), "the cats on gravel once more", image_of="three-cats-on-gravel"
    ),
}
