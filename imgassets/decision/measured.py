"""From the tables of a branch to what a decision is made of."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from imgassets.decision.pairing import Measured
from imgassets.metrics.tables import with_artefacts


def gather_measured(model: str, images: pd.DataFrame, scores: Iterable[pd.DataFrame]) -> Measured:
    """All that was measured on a model: image tables of its flows, and tables of all families.

    Images that exist and are not usable count as failed, as the artefacts tell.
    """
    rows = pd.concat([table for table in scores if len(table)], ignore_index=True)
    return Measured(model, rows, with_artefacts(images, rows))
