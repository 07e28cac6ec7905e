"""From the tables of a branch to what a decision is made of."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from imgassets.decision.paired_scores import Measured
from imgassets.metrics.families import METRICS, of_making
from imgassets.metrics.metric_rows import with_artefacts
from imgassets.requests import stacked


def gather_measured(model: str, images: pd.DataFrame, scores: Iterable[pd.DataFrame]) -> Measured:
    """All that was measured on a model: image tables of its flows, and tables of all families.

    Images that exist and are not usable count as failed, as the artefacts tell. Those have no
    scores, whatever was measured on them (a blank image has a white background), but they have
    their costs.
    """
    rows = stacked(table for table in scores if len(table))
    marked = with_artefacts(images, rows)
    failed = marked.loc[marked["status"] != "ok", ["flow", "image_key"]]
    keys = pd.MultiIndex.from_frame(rows[["flow", "image_key"]])
    spoiled = keys.isin(pd.MultiIndex.from_frame(failed))
    kept = rows["metric"].isin(["artefacts.clean", *filter(of_making, METRICS)])
    return Measured(model, rows.assign(value=rows["value"].mask(spoiled & ~kept)), marked)
