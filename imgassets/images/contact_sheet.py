"""Contact sheets: many images in one picture, for people who would rather look than read."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

_GAP = 4
_CAPTION = 12


def contact_sheet(
    images: Sequence[tuple[str, Image.Image | None]], *, cell: int = 96, columns: int = 8
) -> Image.Image:
    """Images in a grid, each with a caption; a missing one is a crossed box.

    Args:
        images: (caption, image or None) in reading order.
        cell: side of a cell in pixels; images are fitted into it.
        columns: cells in a row.

    Returns:
        RGB image; an empty grid has one empty row.
    """
    rows = max(1, math.ceil(len(images) / columns))
    width = columns * (cell + _GAP) + _GAP
    sheet = Image.new("RGB", (width, rows * (cell + _GAP + _CAPTION) + _GAP), "#f4f4f5")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=9)
    for index, (caption, image) in enumerate(images):
        x = _GAP + index % columns * (cell + _GAP)
        y = _GAP + index // columns * (cell + _GAP + _CAPTION)
        if image is None:
            draw.rectangle((x, y, x + cell - 1, y + cell - 1), outline="#b91c1c")
            draw.line((x, y, x + cell - 1, y + cell - 1), fill="#b91c1c")
        else:
            sheet.paste(ImageOps.contain(image.convert("RGB"), (cell, cell)), (x, y))
        draw.text((x, y + cell), caption[: cell // 5], fill="#27272a", font=font)
    return sheet


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """A small JPEG of a picture made for looking at; never of one made for measuring."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()
