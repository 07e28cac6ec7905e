"""Files of several images."""

from __future__ import annotations

from imgassets_tests.images.corpus.case import refused, taken
from imgassets_tests.images.files import PICTURE, encoded

_SEVERAL = "an animation or several pages; one image is expected"
_TWICE = {"save_all": True, "append_images": [PICTURE.rotate(180)]}
SEVERAL = [
    refused("several images", f"{form}, {what}", encoded(form, **_TWICE), _SEVERAL)
    for form, what in {
        "PNG": "an animation", "GIF": "an animation", "WEBP": "an animation", "TIFF": "two pages"
    }.items()
] + [
    taken("several images", "JPEG, a phone's photo with a second picture (MPO)",
           encoded("MPO", **_TWICE), "MPO to PNG"),
]  # fmt: skip
