"""Post-processing: declared steps on an image, by Pillow alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pydantic import TypeAdapter

from imgassets.documents.postprocess import Convert, Resize, Sharpen, Step, Watermark

_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
}


class PostprocessError(RuntimeError):
    """A step cannot be done; names the step and the fix."""


class WatermarkFileError(PostprocessError):
    """The file of a watermark is not what it was when it was asked for."""


@dataclass(frozen=True)
class Processed:
    """An image after its steps.

    Attributes:
        image: what a viewer sees; after `convert`, the decoded pixels of the delivered file.
        delivered_bytes: size of the file `convert` made; None when no step converts.
    """

    image: Image.Image
    delivered_bytes: int | None = None


def apply(steps: Sequence[dict[str, Any]], image: Image.Image, root: Path) -> Processed:
    """Do the steps, in order.

    Args:
        steps: as `imgassets.documents.image_key.step_facts` gives them.
        image: mode RGB or RGBA, 8 bits a channel.
        root: the project's; the files of watermarks are looked for from here.

    Raises:
        PostprocessError: a watermark's file is missing, no image, or not what was asked for.
    """
    done = Processed(image)
    for asked in steps:
        facts = dict(asked)
        expected = facts.pop("image_sha256", None)
        step = _STEP.validate_python(facts)
        match step:
            case Resize():
                done = Processed(done.image.resize(step.size, _FILTERS[step.filter]))
            case Sharpen():
                done = Processed(_sharpened(done.image, step))
            case Watermark():
                mark = _mark(step, done.image.height, root, expected)
                done = Processed(_marked(done.image, mark, step))
            case Convert():
                done = convert(done.image, step)
    return done


def _sharpened(image: Image.Image, step: Sharpen) -> Image.Image:
    percent = round(100 * step.amount)
    return image.filter(ImageFilter.UnsharpMask(step.radius, percent, step.threshold))


def convert(image: Image.Image, step: Convert) -> Processed:
    """Encode as it is delivered, and decode again: artefacts of the format are part of it.

    Transparency is laid on white, as a page would show it; JPEG keeps the full color resolution.
    """
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    options: dict[str, Any] = {} if step.quality is None else {"quality": step.quality}
    if step.format == "JPEG":
        options["subsampling"] = 0
    file = io.BytesIO()
    image.convert(step.mode).save(file, step.format, **options)
    with Image.open(io.BytesIO(file.getvalue())) as decoded:
        return Processed(decoded.convert(step.mode), len(file.getvalue()))


# ---- watermarks ----------------------------------------------------------------------------


def _mark(step: Watermark, height: int, root: Path, expected: str | None) -> Image.Image:
    """The mark (RGBA), as high as the step says."""
    rows = max(1, round(step.height * height))
    if step.text is not None:
        return _text_mark(step.text, rows)
    path = root / str(step.image)
    try:
        content = path.read_bytes()
        mark = Image.open(io.BytesIO(content)).convert("RGBA")
    except OSError as error:
        raise WatermarkFileError(f"watermark {path}: {error}; put a PNG file there") from error
    if expected not in (None, hashlib.sha256(content).hexdigest()):
        raise WatermarkFileError(f"watermark {path} changed since it was asked for; run again")
    columns = max(1, round(mark.width * rows / mark.height))
    return mark.resize((columns, rows), Image.Resampling.LANCZOS)


def _text_mark(text: str, rows: int) -> Image.Image:
    """White letters with a dark rim, legible on any ground; the font ships with Pillow."""
    font = ImageFont.load_default(size=max(6, rows))
    rim = max(1, rows // 12)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), text, font, stroke_width=rim
    )
    mark = Image.new("RGBA", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(mark).text(
        (-left, -top), text, "white", font, stroke_width=rim, stroke_fill="black"
    )
    return mark


def _marked(image: Image.Image, mark: Image.Image, step: Watermark) -> Image.Image:
    free_x, free_y = image.width - mark.width, image.height - mark.height
    x = step.margin if step.corner.endswith("left") else free_x - step.margin
    y = step.margin if step.corner.startswith("top") else free_y - step.margin
    if not (0 <= x <= free_x and 0 <= y <= free_y):
        raise PostprocessError(
            f"watermark of {mark.width} x {mark.height} px does not fit into {image.width} x "
            f"{image.height} px; lower its height or margin"
        )
    faint = mark.copy()
    faint.putalpha(mark.getchannel("A").point(lambda alpha: round(alpha * step.opacity)))
    layer = Image.new("RGBA", image.size)
    layer.paste(faint, (x, y))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert(image.mode)
