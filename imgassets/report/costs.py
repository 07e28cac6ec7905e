"""Cost and quality of each model, for the plot and its table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from imgassets.decision.pairing import OneScore, prompt_means, seed_means
from imgassets.decision.statistics import Estimate

COSTS = ("cost.seconds", "cost.usd", "cost.peak_memory")
COLUMNS = ("model", "quality_metric", "quality", "quality_lower", "quality_upper", *COSTS)


def cost_table(
    rows: Mapping[str, pd.DataFrame],
    quality: str,
    *,
    flow: str = "generate",
    alpha: float = 0.05,
) -> pd.DataFrame:
    """One row a model with its mean costs an image and the mean of one quality metric.

    Arguments: `rows` metric tables by model (`ROW_COLUMNS`); `quality` a metric with values in
    0..1; `alpha` of each one-sided bound. Returns: `COLUMNS`; NaN where nothing was measured.
    """
    return pd.DataFrame(
        [_row(model, table, quality, flow, alpha) for model, table in rows.items()],
        columns=list(COLUMNS),
    )


def _row(
    model: str, table: pd.DataFrame, quality: str, flow: str, alpha: float
) -> dict[str, object]:
    means = _means(table, quality, flow)
    row: dict[str, object] = {"model": model, "quality_metric": quality}
    row["quality"] = float(means.mean()) if means.size else np.nan
    row["quality_lower"] = row["quality_upper"] = np.nan
    if means.size >= 2:  # a spread needs two
        estimate = Estimate.of(means, (0.0, 1.0), "wilson")
        row |= {"quality_lower": estimate.lower(alpha), "quality_upper": estimate.upper(alpha)}
    for metric in COSTS:
        values = _means(table, metric, flow)
        row[metric] = float(values.mean()) if values.size else np.nan
    return row


def _means(table: pd.DataFrame, metric: str, flow: str) -> np.ndarray:
    chosen = table[(table["metric"] == metric) & (table["flow"] == flow)]
    scores = map(OneScore, chosen["prompt_id"], chosen["seed"], chosen["value"])
    return prompt_means(seed_means(scores))
