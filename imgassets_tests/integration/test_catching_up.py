"""`validate` ends with everything made from the present, or says what is not and why."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from imgassets import running
from imgassets.lineage.planning import Asset, Documents, Made, Plan, walk


class Stuck:
    """Reads a graph in which an asset stays out of date, whatever is run."""

    instance = None

    def plan(self, wanted: set[dg.AssetKey], tried: set[str]) -> Plan:
        made = Made("1", "1", {})
        below = Made("1", "1", {"a": "1"})
        assets = [Asset("a", (), "1", made, harm="a is missing"), Asset("b", ("a",), "1", below)]
        return walk(assets, Documents({}, lambda key, before: ""), {"a", "b"}, tried)

    def stale_checks(self, plan: Plan, wanted: set[dg.AssetKey]) -> set[dg.AssetCheckKey]:
        return set()


def test_what_stays_out_of_date_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []
    monkeypatch.setattr(running, "_run", lambda *given: runs.append(given) or [])
    job: Any = None
    look: Any = Stuck
    errors = running._catch_up(job, look, set())
    assert errors == ["a is still out of date, run again to go on: a is missing"]
    assert len(runs) == 1
