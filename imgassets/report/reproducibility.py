"""An image beside the same request made again: what differs, amplified until it can be seen."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

#: Shown side of an image, in pixels: smaller ones are enlarged by whole steps, larger ones shrunk.
_SIDE = 320
_GAP, _LINE = 12, 22


@dataclass(frozen=True)
class Repeat:
    """One image made again.

    Attributes:
        first, second: RGB.
        captions: of the two, in words.
    """

    first: Image.Image
    second: Image.Image
    captions: tuple[str, str]


def amplified(first: Image.Image, second: Image.Image) -> tuple[Image.Image, float]:
    """Where two images differ, and by how much that was multiplied to fill 0..255.

    Returns:
        Mode L: the largest difference of the three channels, times the factor; black is equal. An
        image of another size differs everywhere.
    """
    if first.size != second.size:
        return Image.new("L", first.size, 255), 1.0
    a, b = (np.asarray(image.convert("RGB"), dtype=np.int16) for image in (first, second))
    apart = np.abs(a - b).max(axis=2)
    factor = 255.0 / max(1, int(apart.max()))
    return Image.fromarray((apart * factor).round().astype(np.uint8)), factor


def comparison_picture(repeats: Sequence[Repeat]) -> Image.Image:
    """One row for each repeat: first, second, amplified difference, each with its caption."""
    rows = [_row(repeat) for repeat in repeats]
    width = max(row.width for row in rows)
    sheet = Image.new("RGB", (width, sum(row.height for row in rows)), "#f4f4f5")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _row(repeat: Repeat) -> Image.Image:
    difference, factor = amplified(repeat.first, repeat.second)
    shown = [_fitted(image) for image in (repeat.first, repeat.second, difference)]
    last = "no pixel differs" if not difference.getbbox() else f"difference x{factor:.3g}"
    height = max(image.height for image in shown) + 2 * _GAP + _LINE
    row = Image.new("RGB", (3 * (_SIDE + _GAP) + _GAP, height), "#f4f4f5")
    draw, font = ImageDraw.Draw(row), ImageFont.load_default(size=14)
    for column, (image, caption) in enumerate(zip(shown, (*repeat.captions, last), strict=True)):
        left = _GAP + column * (_SIDE + _GAP)
        draw.text((left, _GAP), caption, fill="#27272a", font=font)
        row.paste(image.convert("RGB"), (left, _GAP + _LINE))
    return row


def _fitted(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest > _SIDE:
        small = image.copy()
        small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        return small
    step = _SIDE // longest
    return image.resize((image.width * step, image.height * step), Image.Resampling.NEAREST)


def comparison_page(picture: bytes, facts: dict[str, Any], sentences: Sequence[str]) -> str:
    """One HTML file without script or links: a heading, the picture, and what was measured.

    Args:
        picture: PNG of `comparison_picture`.
        facts: names and values, shown in order.
        sentences: what came out, as the heading, and what to make of it.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("imgassets.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    uri = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
    template = environment.get_template("repeats.html.j2")
    return template.render(picture=uri, facts=facts, sentences=sentences)
