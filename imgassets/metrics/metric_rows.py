"""From image tables to metric tables: one tidy row for each metric of each image."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pandas as pd
from PIL.Image import DecompressionBombError

from imgassets.documents.project import Project
from imgassets.documents.seeds import column_type
from imgassets.images.pixels import BadImageError
from imgassets.judges.detectors import DetectorError
from imgassets.judges.ocr_letters import UnreadableTextError
from imgassets.metrics.branch import Branch, Images
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.family import Family
from imgassets.metrics.scores import IDENTITY, ROW_COLUMNS, Score


class OldTableError(ValueError):
    """A table kept from an earlier version; says how to make it anew."""


def measure(
    family: str, project: Project, endpoint: str, model: str, images: pd.DataFrame, stored: Images
) -> pd.DataFrame:
    """The metric table of one family, by name; for the other arguments see `Branch`."""
    return metric_table(FAMILIES[family], Branch(project, endpoint, model, images, stored))


def metric_table(family: Family, branch: Branch) -> pd.DataFrame:
    """Rows of all images in order, scored on all cores.

    A failed image has rows without a value. What an expectation does not ask has no row, where a
    family scores by expectation; nor have images of flows that the family does not look at.
    """
    table = pd.DataFrame(list(_rows(family, branch)), columns=list(ROW_COLUMNS))
    seeds = column_type(table["seed"])
    return table.astype({"value": "float64", "seed": seeds, "replicate": "int64"})


def with_artefacts(images: pd.DataFrame, artefacts: pd.DataFrame) -> pd.DataFrame:
    """Image tables whose `status` also tells of images that exist but are not usable.

    Raises:
        OldTableError: the artefacts were kept from a version that noted no failure modes.
    """
    unclean = (artefacts["metric"] == "artefacts.clean") & (artefacts["value"] == 0.0)
    found = artefacts[unclean].drop_duplicates(["flow", "image_key"])
    if found.empty:
        return images
    if "failure_mode" not in found.columns or found["failure_mode"].isna().any():
        raise OldTableError(
            "the table of artefacts is of an earlier version, without failure modes; run "
            "`imgassets validate`, or materialize `artefacts` first"
        )
    found = found.set_index(["flow", "image_key"])
    keys = pd.MultiIndex.from_frame(images[["flow", "image_key"]])
    spoiled = keys.isin(found.index) & (images["status"] == "ok").to_numpy()
    modes = found["failure_mode"].reindex(keys[spoiled])
    reasons = found["reason"].reindex(keys[spoiled])
    marked = images.copy()
    marked.loc[spoiled, "status"] = modes.to_numpy()
    marked.loc[spoiled, "message"] = [
        reason.removeprefix(f"{mode}: ") for mode, reason in zip(modes, reasons, strict=True)
    ]
    return marked


def _rows(family: Family, branch: Branch) -> Iterator[dict[str, Any]]:
    score = family.scorer(branch)

    def rows(image: Any) -> list[dict[str, Any]]:
        metrics = _asked(family, branch, image)
        if not metrics:
            return []
        if image.status != "ok":
            return _failed_rows(image, metrics, f"{image.status}: {image.message}", image.status)
        try:
            return [_row(image, s) for s in score(image) if s.metric in metrics]
        except FileNotFoundError:
            raise  # a lost file is a fault of the store, not of the image
        except (BadImageError, DetectorError, UnreadableTextError) as error:
            return _failed_rows(image, metrics, f"cannot be judged: {error}")
        except (OSError, SyntaxError, DecompressionBombError) as error:  # what Pillow raises
            return _failed_rows(image, metrics, f"unreadable: {error}")

    for chunk in _on_all_cores(rows, branch.images.itertuples()):
        yield from chunk


def _asked(family: Family, branch: Branch, image: Any) -> list[str]:
    """Names of the metrics that an image must have a row of."""
    metrics = family.measured_on(image.flow)
    if not family.by_expectation:
        return metrics
    wanted = branch.expectations.get((image.flow, image.prompt_id))
    return [] if wanted is None else [m for m in metrics if wanted.asks(m)]


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
    return {name: getattr(image, name) for name in IDENTITY} | {
        "metric": score.metric,
        "value": float(score.value),
        "reason": score.reason,
        "failure_mode": score.failure_mode,
    }


def _failed_rows(
    image: Any, metrics: Sequence[str], reason: str, failure_mode: str = ""
) -> list[dict[str, Any]]:
    row = {name: getattr(image, name) for name in IDENTITY}
    row |= {"value": None, "reason": reason, "failure_mode": failure_mode}
    return [row | {"metric": metric} for metric in metrics]
