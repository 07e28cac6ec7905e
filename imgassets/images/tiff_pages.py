"""Which directory of a TIFF is its picture: thumbnails and masks are no pages."""

from __future__ import annotations

from PIL.TiffImagePlugin import TiffImageFile

from imgassets.images.errors import RefusedError

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
#: Bits of NewSubfileType: a smaller version of another image, a transparency mask.
_REDUCED, _MASK = 1, 4
_OLD_REDUCED = 2
_PROFILE, _XMP = 34675, 700
_MOST = 64


def turn_to_the_page(image: TiffImageFile) -> bool:
    """Go to the only picture of full size; whether there are several.

    Raises:
        RefusedError: there is none, or more directories than any writer makes.
    """
    if image.n_frames > _MOST:
        raise RefusedError(f"a TIFF of {image.n_frames} directories; at most {_MOST}")
    pages = []
    for number in range(image.n_frames):
        image.seek(number)
        kind = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)
        reduced = kind & (_REDUCED | _MASK) or image.tag_v2.get(_SUBFILE_TYPE) == _OLD_REDUCED
        pages += [] if reduced else [number]
    if not pages:
        raise RefusedError("a TIFF of thumbnails alone; export the picture itself")
    image.seek(pages[0])
    # Pillow keeps what the directories that were looked at before said.
    for name, tag in (("icc_profile", _PROFILE), ("xmp", _XMP)):
        image.info.pop(name, None)
        if tag in image.tag_v2:
            image.info[name] = image.tag_v2[tag]
    return len(pages) > 1
