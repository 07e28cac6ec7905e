"""The data version of a table, which decides whether what follows is made again."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from imgassets.defs.io_managers import data_version


@pytest.mark.parametrize("rows", [0, 3, 10_000, 25_001])
def test_it_is_the_hash_of_the_rows_as_one_text(rows: int) -> None:
    """A table is hashed some rows at a time, and keeps the version it has always had."""
    values = np.where(np.arange(rows) % 7 == 0, np.nan, np.arange(rows) / 3)
    reasons = [None if n % 5 == 0 else f"Größe {n}" for n in range(rows)]
    table = pd.DataFrame({"seed": range(rows), "value": values, "reason": reasons})
    whole = json.dumps(table.to_dict("split", index=False), default=str, sort_keys=True)
    assert data_version(table).value == hashlib.sha256(whole.encode()).hexdigest()


def test_another_value_or_another_order_is_another_version() -> None:
    table = pd.DataFrame({"seed": [1, 2], "value": [0.5, 1.0]})
    assert data_version(table) != data_version(table.assign(value=[0.5, 0.9]))
    assert data_version(table) != data_version(table[::-1])
