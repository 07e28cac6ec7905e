"""Which way is up, and who says so: EXIF, or XMP where EXIF says nothing."""

from __future__ import annotations

import re
from typing import Any

from PIL import ExifTags, Image

ORIENTATION = ExifTags.Base.Orientation
_XMP = re.compile(r"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")


def without_xmp(image: Image.Image) -> str:
    """XMP, taken away from the image: Pillow would give its orientation out as EXIF's."""
    found = [image.info.pop(name, "") or "" for name in ("XML:com.adobe.xmp", "xmp")]
    return "".join(x.decode("latin-1") if isinstance(x, bytes) else x for x in found)


def orientation(image: Image.Image, xmp: str) -> tuple[Any, str]:
    """(orientation, who says so); 1 where nobody does, None where EXIF cannot be read.

    Args:
        image: after `without_xmp`.
        xmp: what that took away.
    """
    try:
        found = image.getexif().get(ORIENTATION)
    except Exception:  # hostile EXIF raises anything
        return None, "EXIF"
    if found is None and (said := _XMP.search(xmp)):
        return int(said[1]), "XMP"
    return 1 if found is None else found, "EXIF"
