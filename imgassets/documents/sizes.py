"""Which sizes a diffusers model can make, read off the configurations in its folder.

A pipeline paints latents, several times smaller than the picture, and some put squares of latents
into one token. Other sizes are refused by the pipeline, or made smaller without a word (FLUX).
The rules are those of `check_inputs` in diffusers' pipelines; what is unknown is not judged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel
from imgassets.documents.shared_parts import part_folder
from imgassets.documents.weights import cached_folder, hub_name, read_index, weights_folder


class Grid(NamedTuple):
    """What the sides of a picture must be.

    Attributes:
        multiple: of which they must be multiples, pixels.
        latent: side of the square that one latent stands for, pixels.
        most: longest side, pixels; None where there is no limit.
    """

    multiple: int
    latent: int
    most: int | None = None


def grid_of(root: Path, model: AnyModel) -> Grid | None:
    """The sizes of a model; None for hosted ones, unknown pipelines, and weights not yet here."""
    if not isinstance(model, Model):
        return None
    name = hub_name(model.weights)
    folder = (
        weights_folder(root, model.weights) if name is None else cached_folder(name, model.revision)
    )
    return None if folder is None else grid_in(folder, model.pipeline)


def grid_in(folder: Path, pipeline: str | None) -> Grid | None:
    """The sizes of the weights in a folder, run by a pipeline; None where they are not known."""
    try:
        pipeline = pipeline or str(read_index(folder)["_class_name"])
        latent = _latent(_config(folder, "vae"))
        return None if latent is None else _grid(pipeline, latent, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a broken folder; others tell of it


def _grid(pipeline: str, latent: int, folder: Path) -> Grid | None:
    if pipeline.startswith("StableDiffusion3"):
        config = _config(folder, "transformer")
        multiple = latent * int(config["patch_size"])
        return Grid(multiple, latent, multiple * int(config["pos_embed_max_size"]))
    if pipeline.startswith(("Flux", "Chroma", "QwenImage")):
        return Grid(2 * latent, latent)
    if pipeline.startswith(("StableDiffusion", "PixArt", "LatentConsistency", "Kolors")):
        return Grid(math.lcm(8, latent), latent)
    return None


def _config(folder: Path, part: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(
        (part_folder(folder, part) / "config.json").read_text(encoding="utf-8")
    )
    return config


def _latent(vae: dict[str, Any]) -> int | None:
    """How many times smaller latents are than the picture."""
    if "temperal_downsample" in vae:  # Qwen's, in diffusers' own spelling
        return int(2 ** len(vae["temperal_downsample"]))
    channels = vae.get("block_out_channels")
    return int(2 ** (len(channels) - 1)) if channels else None


def size_problem(grid: Grid, size: Sequence[int]) -> tuple[str, str] | None:
    """What keeps a size from being made, and the nearest that can be; None for nothing."""
    most = grid.most or math.inf
    if all(side % grid.multiple == 0 and side <= most for side in size):
        return None
    limit = f", {grid.most} at most" if grid.most else ""
    near = [int(min(max(1, round(s / grid.multiple)) * grid.multiple, most)) for s in size]
    return (
        f"cannot make {list(size)}: its sides are multiples of {grid.multiple} pixels{limit}",
        f"ask for {near}, or for another model",
    )


# ---- regions of edits ----------------------------------------------------------------------


def region_pixels(region: Sequence[float], size: Sequence[int]) -> tuple[int, int, int, int]:
    """A region in fractions of width and height as pixels: left, top, right, bottom.

    Right and bottom are excluded; equal to left or top for a region of less than a pixel.
    """
    width, height = size
    left, top, right, bottom = region
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def region_problem(
    region: Sequence[float], size: Sequence[int], latent: int = 1
) -> tuple[str, str] | None:
    """What keeps a region from being repainted, and the fix; None for nothing.

    Args:
        region: fractions: left, top, right, bottom.
        size: of the image, pixels.
        latent: pixels a latent stands for; masks are shrunk to latents by taking every such pixel.
    """
    left, top, right, bottom = region_pixels(region, size)
    if right <= left or bottom <= top:
        return (
            f"region {list(region)} is less than a pixel of an image of {list(size)}",
            f"make it at least {_least(1, size)} of width and height, or the image larger",
        )
    if not _meets(left, right, latent) or not _meets(top, bottom, latent):
        return (
            f"region {list(region)} is {right - left} x {bottom - top} px of an image of "
            f"{list(size)}, and falls between the points, {latent} px apart, that the model "
            "repaints: nothing would change",
            f"make it at least {_least(latent, size)} of width and height",
        )
    return None


def _meets(start: int, stop: int, step: int) -> bool:
    return -(-start // step) * step < stop


def _least(pixels: int, size: Sequence[int]) -> str:
    return f"{math.ceil(1000 * pixels / min(size)) / 1000:g}"
