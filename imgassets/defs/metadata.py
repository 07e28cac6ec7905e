"""What an asset shows of itself in the Dagster UI: contact sheets and previews of tables."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from imgassets.backends.image_rows import ImageRow
from imgassets.flows import FIRST
from imgassets.metrics.scores import ROW_COLUMNS
from imgassets.storage.image_store import CorruptEntryError, ImageStore

if TYPE_CHECKING:
    import pandas as pd

_PREVIEW_ROWS = 12
_SHEET_IMAGES = 48


def table_metadata(table: pd.DataFrame, rows: int = _PREVIEW_ROWS) -> dict[str, Any]:
    """Number of rows, what the columns are, and the first rows as a Markdown table."""
    meanings = ImageRow.columns() | ROW_COLUMNS
    columns = [
        dg.TableColumn(str(name), str(kind), meanings.get(str(name)))
        for name, kind in table.dtypes.items()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns), **_preview(table, rows)}


def _preview(table: pd.DataFrame, rows: int = _PREVIEW_ROWS) -> dict[str, Any]:
    return {
        "dagster/row_count": len(table),
        "preview": dg.MetadataValue.md(markdown_table(table.head(rows))),
    }


def image_metadata(table: pd.DataFrame, store: ImageStore, made: int) -> dict[str, Any]:
    """What an image table shows: the picture, the numbers, the first rows, what made them.

    It has no schema of columns, which Dagster would show before the picture.

    Args:
        table: one row an image.
        store: holds the images.
        made: how many of them this run made.
    """
    failed = int((table["status"] != "ok").sum())
    return {
        "contact_sheet": _contact_sheet(table, store),
        "made_now": made,
        "from_store": len(table) - failed - made,
        "failed": failed,
        **_preview(table),
        "made_with": dg.MetadataValue.json(_made_with(table, store)),
    }


def _contact_sheet(table: pd.DataFrame, store: ImageStore) -> dg.MetadataValue:
    """The first images, spread over the prompts; failed ones are crossed."""
    first = table.sort_values(["replicate", "seed", "prompt_id"], kind="stable")
    shown = [
        (row.prompt_id, store.read(row.image_key) if row.status == "ok" else None)
        for row in cast("Iterable[Any]", first.head(_SHEET_IMAGES).itertuples())
    ]
    return _sheet(shown, "contact sheet")


def beside_incumbent(
    candidate: pd.DataFrame, incumbent: pd.DataFrame, store: ImageStore
) -> dg.MetadataValue:
    """Pairs of images of the first flow: on the left the incumbent's, on the right the candidate's.

    Arguments: image tables of the two; what is not in the store is crossed, and not said: others
    tell of it.
    """
    request = ["prompt_id", "seed", "replicate"]
    ours, theirs = (side[side["flow"] == FIRST] for side in (candidate, incumbent))
    both = ours.merge(theirs, on=request, suffixes=("", "_incumbent"))
    first = both.sort_values(["replicate", "seed", "prompt_id"], kind="stable")
    shown = []
    for row in cast("Iterable[Any]", first.head(_SHEET_IMAGES // 2).itertuples()):
        shown.append((row.prompt_id, _image(row.status_incumbent, row.image_key_incumbent, store)))
        shown.append(("candidate", _image(row.status, row.image_key, store)))
    return _sheet(shown, "contact sheet: the incumbent's image, then the candidate's")


def _image(status: str, key: str, store: ImageStore) -> Any:
    with suppress(CorruptEntryError):
        return store.read(key) if status == "ok" and store.has(key) else None
    return None


def _sheet(shown: Sequence[tuple[str, Any]], alt: str) -> dg.MetadataValue:
    from imgassets.images.contact_sheet import contact_sheet, jpeg

    sheet = base64.b64encode(jpeg(contact_sheet(shown))).decode()
    return dg.MetadataValue.md(f"![{alt}](data:image/jpeg;base64,{sheet})")


def _made_with(table: pd.DataFrame, store: ImageStore) -> dict[str, Any]:
    """What really made the first image, with every setting of its scheduler."""
    ok = table["image_key"][table["status"] == "ok"]
    return store.record(ok.iloc[0]).made_with if len(ok) else {}


def markdown_table(table: pd.DataFrame) -> str:
    """A small table as Markdown; pipes and line breaks in cells are neutralized."""

    def cell(value: Any) -> str:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        if len(text) > 64:
            text = text[:12] + "…" if text.isalnum() else text[:61] + "…"
        for character in "\\`*_[]<>|":
            text = text.replace(character, "\\" + character)
        return " ".join(text.split())

    lines = [[str(c) for c in table.columns], ["---"] * len(table.columns)]
    lines += [[cell(v) for v in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
