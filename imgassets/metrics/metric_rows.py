"""From image tables to metric tables: one tidy row for each metric of each image."""

from __future__ import annotations

import importlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from PIL.Image import DecompressionBombError

from imgassets.documents.contract import Returns
from imgassets.documents.metric_catalogue import METRICS
from imgassets.documents.model import Price
from imgassets.documents.prompts import Expectation
from imgassets.documents.seeds import column_type
from imgassets.documents.upscaler import Tiles
from imgassets.images.masks import region_mask
from imgassets.images.pixels import BadImageError
from imgassets.judges.detectors import DetectorError
from imgassets.judges.ocr_letters import UnreadableTextError
from imgassets.metrics.formulas.learned import Judge
from imgassets.metrics.scores import ROW_COLUMNS, Score

#: What each image must show, by (flow, prompt id).
Expectations = Mapping[tuple[str, str], Expectation]
#: The image of a key: uint8 (H, W, 3), sRGB.
ReadArray = Callable[[str], np.ndarray]

_IDENTITY = ROW_COLUMNS[:7]


def metrics_of(family: str, flow: str) -> list[str]:
    """Names of a family's metrics that are measured on a flow."""
    return [m.name for m in METRICS.values() if m.family == family and flow in m.flows]


def content_table(
    family: str, images: pd.DataFrame, expectations: Expectations, read: ReadArray
) -> pd.DataFrame:
    """Scores of a family that looks at one image and its expectation (composition, typography).

    A failed image has rows without a value; what an expectation does not ask has no row.

    Args:
        family: a module of `imgassets.metrics` with `score(image, expectation)`.
        images: image tables of any flows, as `backends.generation` makes them.
        expectations: see `Expectations`.
        read: see `ReadArray`; called from several threads.
    """
    score = importlib.import_module(f"imgassets.metrics.formulas.{family}").score

    def scored(image: Any) -> list[Score]:
        return score(read(image.image_key), expectations[image.flow, image.prompt_id])

    def asked(image: Any) -> list[str]:
        wanted = expectations.get((image.flow, image.prompt_id))
        return [m for m in metrics_of(family, image.flow) if wanted is not None and wanted.asks(m)]

    return _table(_each(images, scored, family, asked))


def artefact_table(
    images: pd.DataFrame, returned: Mapping[str, Returns], read: Callable[[str], bytes]
) -> pd.DataFrame:
    """Whether each image is what the contract returns, and the patterns that spoil it.

    An image that is not clean (blank, of the wrong size or mode) has no other scores.

    Args:
        images: image tables of any flows.
        returned: what an image of each flow must be like, such as `Endpoint.returned` tells.
        read: the stored file of a key; only a file shows all faults of its encoding.
    """
    from imgassets.metrics.formulas import artefacts
    from imgassets.metrics.formulas.artefact_patterns import score_patterns

    def scored(image: Any) -> list[Score]:
        wanted = returned[image.flow]
        findings, decoded = artefacts.examine(read(image.image_key), wanted.size, wanted.mode)
        clean = artefacts.score(findings)
        if findings or decoded is None:
            return [clean]
        return [clean, *score_patterns(np.asarray(decoded.convert("RGB")))]

    return _table(_each(images, scored, "artefacts"))


def edit_table(
    images: pd.DataFrame, regions: Mapping[str, Sequence[float]], read: ReadArray
) -> pd.DataFrame:
    """What edits did outside of what they were asked to repaint.

    Args:
        images: image tables; only flow `edit` is looked at.
        regions: the masked box of each prompt, in fractions of width and height.
        read: see `ReadArray`.
    """
    from imgassets.metrics.formulas import edit_stability

    def scored(image: Any) -> list[Score]:
        edited = read(image.image_key)
        size = (edited.shape[1], edited.shape[0])
        mask = np.asarray(region_mask(regions[image.prompt_id], size)) > 0
        if mask.all():  # nothing lies outside, so there is nothing to keep
            return []
        return edit_stability.score(edited, read(image.source_key), mask)

    return _table(_each(images[images["flow"] == "edit"], scored, "edit_stability"))


def stylize_table(images: pd.DataFrame, read: ReadArray) -> pd.DataFrame:
    """Stylized images against what they were made from; only flow `stylize` is looked at."""
    from imgassets.metrics.formulas import stylization

    def scored(image: Any) -> list[Score]:
        return stylization.score(read(image.image_key), read(image.source_key))

    return _table(_each(images[images["flow"] == "stylize"], scored, "stylization"))


def upscale_table(
    images: pd.DataFrame, scale: int, read: ReadArray, tiles: Tiles | None = None
) -> pd.DataFrame:
    """Upscaled images against what they were made from; only flow `upscale` is looked at.

    Args:
        images: image tables of any flows.
        scale: how many times larger they are.
        read: see `ReadArray`.
        tiles: the upscaler's windows in pixels of the large image; None: it has none.
    """
    from imgassets.metrics.formulas import upscaling

    def scored(image: Any) -> list[Score]:
        large = read(image.image_key)
        tiled = tiles is not None and max(large.shape[:2]) > tiles.size
        return upscaling.score(large, read(image.source_key), scale, tiles if tiled else None)

    return _table(_each(images[images["flow"] == "upscale"], scored, "upscaling"))


def look_table(images: pd.DataFrame, read: ReadArray) -> pd.DataFrame:
    """Features of each image's look, and whether a generated one repeats another."""
    from imgassets.metrics.formulas import appearance

    usable = images[(images["status"] == "ok") & (images["flow"] == "generate")]
    # A replicate is the same request again, which ought to repeat.
    first = usable[usable["replicate"] == usable["replicate"].min()]
    # Two requests may share one key: then they repeat each other, which must show.
    names = [f"{i}:{key}" for i, key in enumerate(first["image_key"]) if _readable(read, key)]
    alike = appearance.repeated(names, lambda name: read(name.partition(":")[2]))
    repeats = {name.partition(":")[2]: other for name, other in alike.items()}

    def scored(image: Any) -> list[Score]:
        scores = appearance.score(read(image.image_key))
        if image.flow == "generate":
            twin = repeats.get(image.image_key)
            reason = f"repeats {twin.partition(':')[2][:12]}" if twin else ""
            scores.append(Score("look.repeated", float(twin is not None), reason))
        return scores

    return _table(_each(images, scored, "look"))


def _readable(read: ReadArray, key: str) -> bool:
    """Whether an image can be looked at; those that cannot are told by the artefacts."""
    try:
        return min(read(key).shape[:2]) >= 8
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, DecompressionBombError):
        return False


def learned_table(
    images: pd.DataFrame,
    asked: Mapping[tuple[str, str], tuple[str, Expectation]],
    judges: Sequence[Judge],
    read: ReadArray,
) -> pd.DataFrame:
    """Scores of learned metrics, which are off unless somebody calls this.

    Args:
        images: image tables of any flows.
        asked: prompt and expectation of each image, by (flow, prompt id).
        judges: such as `learned.ClipScore`.
        read: see `ReadArray`.
    """

    def scored(image: Any) -> list[Score]:
        prompt, wanted = asked[image.flow, image.prompt_id]
        pixels = read(image.image_key)
        return [score for judge in judges for score in judge.score(pixels, prompt, wanted)]

    names = [name for judge in judges for name in judge.metrics]
    return _table(_each(images, scored, "learned", lambda _: names))


def cost_table(images: pd.DataFrame, price: Price) -> pd.DataFrame:
    """Seconds, peak memory and money of each image, as measured when it was made."""

    def scored(image: Any) -> list[Score]:
        return [
            Score("cost.seconds", image.seconds),
            Score("cost.peak_memory", image.peak_memory_mib),
            Score("cost.usd", price.usd(image.seconds, image.flow)),
        ]

    return _table(_each(images, scored, "cost"))


def with_artefacts(images: pd.DataFrame, artefacts: pd.DataFrame) -> pd.DataFrame:
    """Image tables whose `status` also tells of images that exist but are not usable."""
    unclean = (artefacts["metric"] == "artefacts.clean") & (artefacts["value"] == 0.0)
    found = dict(artefacts[unclean].set_index(["flow", "image_key"])["reason"].items())
    marked = images.copy()
    keys = list(zip(images["flow"], images["image_key"], strict=True))
    for column, part in (("status", 0), ("message", 2)):
        marked[column] = [
            found[key].partition(": ")[part] if status == "ok" and key in found else value
            for key, status, value in zip(keys, images["status"], images[column], strict=True)
        ]
    return marked


def _each(
    images: pd.DataFrame,
    scored: Callable[[Any], list[Score]],
    family: str,
    asked: Callable[[Any], list[str]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of all images in order, on all cores; a failed image has rows without a value."""
    wanted = asked or (lambda image: metrics_of(family, image.flow))

    def rows(image: Any) -> list[dict[str, Any]]:
        metrics = wanted(image)
        if not metrics:
            return []
        if image.status != "ok":
            return _failed_rows(image, metrics, f"{image.status}: {image.message}")
        try:
            return [_row(image, s) for s in scored(image) if s.metric in metrics]
        except FileNotFoundError:
            raise  # a lost file is a fault of the store, not of the image
        except (BadImageError, DetectorError, UnreadableTextError) as error:
            return _failed_rows(image, metrics, f"cannot be judged: {error}")
        except (OSError, SyntaxError, DecompressionBombError) as error:  # what Pillow raises
            return _failed_rows(image, metrics, f"unreadable: {error}")

    for chunk in _on_all_cores(rows, images.itertuples()):
        yield from chunk


def _on_all_cores(
    work: Callable[[Any], list[dict[str, Any]]], items: Iterable[Any]
) -> Iterator[list[dict[str, Any]]]:
    """Results in order; a few items more than there are cores are under way at any time.

    Threads, since detectors, filters and OCR spend their time in OpenCV, numpy and onnxruntime,
    which release the GIL. `Executor.map` would take all items at once, and with them their memory.
    """
    cores = os.cpu_count() or 1
    waiting: deque[Future[list[dict[str, Any]]]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _row(image: Any, score: Score) -> dict[str, Any]:
    return {name: getattr(image, name) for name in _IDENTITY} | {
        "metric": score.metric,
        "value": float(score.value),
        "reason": score.reason,
    }


def _failed_rows(image: Any, metrics: Sequence[str], reason: str) -> list[dict[str, Any]]:
    identity = {name: getattr(image, name) for name in _IDENTITY}
    return [identity | {"metric": m, "value": None, "reason": reason} for m in metrics]


def _table(rows: Iterator[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=list(ROW_COLUMNS))
    seeds = column_type(table["seed"])
    return table.astype({"value": "float64", "seed": seeds, "replicate": "int64"})
