"""From tables to what is decided on: failed images have no scores, and have their costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from imgassets.decision.measurements import gather_measured
from imgassets_tests.decision.factories import NEW, measured


def test_a_blank_image_has_no_scores_but_was_paid_for() -> None:
    """A blank white image shows the right background; that is not a score."""
    metrics = {
        "composition.background": lambda p, s: 1.0,
        "artefacts.clean": lambda p, s: 0.0 if p == 3 else 1.0,
        "cost.usd": lambda p, s: 0.01,
    }
    made = measured(NEW, metrics, range(6))
    blank = (made.rows["metric"] == "artefacts.clean") & (made.rows["value"] == 0)
    rows = made.rows.assign(
        reason=np.where(blank, "blank: one flat color", ""),
        failure_mode=np.where(blank, "blank", ""),
    )
    tables = [table for _, table in rows.groupby("metric")]
    found = gather_measured(NEW, made.images.assign(message=""), tables)
    assert list(found.images.loc[found.images["status"] != "ok", "status"]) == ["blank"] * 2

    def values(metric: str) -> pd.Series:
        scores = found.scores(metric, "generate")
        return scores.loc[scores["prompt_id"] == "p0003", "value"]

    assert values("composition.background").isna().all()
    assert list(values("artefacts.clean")) == [0.0, 0.0]
    assert list(values("cost.usd")) == [0.01, 0.01]
    assert found.scores("composition.background", "generate")["value"].count() == 10
