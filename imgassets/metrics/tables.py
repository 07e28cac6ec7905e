"""From image tables to metric tables: one tidy row for each metric of each image."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from imgassets.metrics.scores import ROW_COLUMNS, Score
from imgassets.spec.contract import Returns
from imgassets.spec.metrics import METRICS
from imgassets.spec.model import Price
from imgassets.spec.prompts import Expectation

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
        images: image tables of any flows, as `backends.making` makes them.
        expectations: see `Expectations`.
        read: see `ReadArray`; called from several threads.
    """
    score = importlib.import_module(f"imgassets.metrics.{family}").score

    def scored(image: Any) -> list[dict[str, Any]]:
        wanted = expectations[image.flow, image.prompt_id]
        asked = [m for m in metrics_of(family, image.flow) if wanted.asks(m)]
        if not asked:
            return []
        if image.status != "ok":
            return _failed_rows(image, asked)
        found = score(read(image.image_key), wanted)
        return [_row(image, s) for s in found if s.metric in asked]

    rows = [image for image in images.itertuples() if (image.flow, image.prompt_id) in expectations]
    # Detectors and OCR spend their time in OpenCV and onnxruntime, which release the GIL.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _table(row for chunk in pool.map(scored, rows) for row in chunk)


def artefact_table(
    images: pd.DataFrame, returns: Returns, scale: int, read: Callable[[str], bytes]
) -> pd.DataFrame:
    """Whether each image is what the contract returns: not blank, of the right size and mode.

    Args:
        images: image tables of any flows.
        returns: the contract's promise.
        scale: how many times larger upscaled images are.
        read: the stored file of a key; only a file shows all faults of its encoding.
    """
    from imgassets.metrics import artefacts

    def scored(image: Any) -> dict[str, Any]:
        if image.status != "ok":
            return _failed_rows(image, ["artefacts.clean"])[0]
        width, height = returns.size
        factor = scale if image.flow == "upscale" else 1
        size = (width * factor, height * factor)
        findings = artefacts.inspect(read(image.image_key), size, returns.mode)
        return _row(image, artefacts.score(findings))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _table(pool.map(scored, images.itertuples()))


def cost_table(images: pd.DataFrame, price: Price) -> pd.DataFrame:
    """Seconds, peak memory and money of each image, as measured when it was made."""

    def scores(image: Any) -> list[Score]:
        return [
            Score("cost.seconds", image.seconds),
            Score("cost.peak_memory", image.peak_memory_mib),
            Score("cost.usd", price.usd(image.seconds)),
        ]

    return _table(
        row
        for image in images.itertuples()
        for row in (
            [_row(image, s) for s in scores(image)]
            if image.status == "ok"
            else _failed_rows(image, metrics_of("cost", image.flow))
        )
    )


def with_artefacts(images: pd.DataFrame, artefacts: pd.DataFrame) -> pd.DataFrame:
    """Image tables whose `status` also tells of images that exist but are not usable."""
    broken = artefacts[artefacts["value"] == 0.0].set_index(["flow", "image_key"])["reason"]
    found = dict(broken.items())
    marked = images.copy()
    keys = list(zip(images["flow"], images["image_key"], strict=True))
    for column, part in (("status", 0), ("message", 2)):
        marked[column] = [
            found[key].partition(": ")[part] if status == "ok" and key in found else value
            for key, status, value in zip(keys, images["status"], images[column], strict=True)
        ]
    return marked


def _row(image: Any, score: Score) -> dict[str, Any]:
    return {name: getattr(image, name) for name in _IDENTITY} | {
        "metric": score.metric,
        "value": float(score.value),
        "reason": score.reason,
    }


def _failed_rows(image: Any, metrics: Sequence[str]) -> list[dict[str, Any]]:
    identity = {name: getattr(image, name) for name in _IDENTITY}
    reason = f"{image.status}: {image.message}"
    return [identity | {"metric": m, "value": None, "reason": reason} for m in metrics]


def _table(rows: Iterator[dict[str, Any]] | Any) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=list(ROW_COLUMNS))
    return table.astype({"value": "float64", "seed": "int64", "replicate": "int64"})
