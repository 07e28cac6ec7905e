"""What changed since the last report, and which report that is."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from imgassets.report.build import build_report
from imgassets.report.diff import Changes, changes
from imgassets.report.document import report_document
from imgassets.report.history import KeptReport
from imgassets.report.inputs import ReportInput


@pytest.fixture
def facts(made_up: ReportInput) -> dict[str, Any]:
    return copy.deepcopy(report_document(made_up))


def test_the_same_facts_have_not_changed(facts: dict[str, Any]) -> None:
    found = changes(facts, facts | {"created": "later"})
    assert found == Changes(facts["created"])


def test_each_kind_of_change_is_told(facts: dict[str, Any]) -> None:
    before = copy.deepcopy(facts)
    before["verdicts"][0]["verdict"] = "GO"
    row = before["comparisons"]["tiny-turbo"][0]
    row |= {"estimate": 0.99, "lower": 0.98, "upper": 1.0, "state": "passed"}
    del before["comparisons"]["tiny-turbo"][1]
    before["provenance"]["endpoint"]["criteria"] = "0" * 64
    before["provenance"]["libraries"]["torch"] = "2.12.0"
    found = changes(before, facts, lambda kind, name, facet, version: f"{kind}/{name}/{facet}!")
    assert [(c.what, c.before, c.after) for c in found.verdicts] == [("tiny-turbo", "GO", "NO-GO")]
    moved, added = found.criteria
    assert moved.before == "99 %, passed"
    assert moved.why == "outside of the earlier error bars"
    assert added.before == "none"
    assert [c.why for c in found.documents] == ["endpoints/hero-banner/criteria!"]
    assert [(c.what, c.before) for c in found.versions] == [("libraries: torch", "2.12.0")]


def test_a_change_within_the_error_bars_is_not_called_more(facts: dict[str, Any]) -> None:
    before = copy.deepcopy(facts)
    row = before["comparisons"]["tiny-turbo"][0]
    row["estimate"] += 0.03
    row["upper"] = 1.0
    (moved,) = changes(before, facts).criteria
    assert moved.why == ""


def test_every_form_tells_of_it(made_up: ReportInput, facts: dict[str, Any]) -> None:
    before = copy.deepcopy(facts)
    before["verdicts"][0]["verdict"] = "GO"
    before["created"] = "last Tuesday"
    files = build_report(dataclasses.replace(made_up, previous=before))
    assert "Against the report of last Tuesday" in files["report.html"]
    assert "- tiny\\-turbo: GO → NO\\-GO" in files["summary.md"]
    assert json.loads(files["report.json"])["changes"]["verdicts"][0]["after"] == "NO-GO"
    first = build_report(made_up)
    assert "This is the first report" in first["report.html"]
    assert json.loads(first["report.json"])["changes"] is None


def test_making_a_report_again_does_not_lose_what_changed(
    tmp_path: Path, facts: dict[str, Any]
) -> None:
    """The one before is the last that said something else, however often this one was made."""
    kept = KeptReport(tmp_path / "reports")
    other = copy.deepcopy(facts)
    other["provenance"]["commit"] = "another"
    assert kept.previous(other) is None
    kept.write({"report.json": json.dumps(other)}, None)
    for _ in range(2):
        previous = kept.previous(facts)
        assert previous is not None
        assert previous["provenance"]["commit"] == "another"
        kept.write({"report.json": json.dumps(facts | {"created": "now"})}, previous)


def test_a_damaged_earlier_report_is_as_none(tmp_path: Path, facts: dict[str, Any]) -> None:
    (tmp_path / "report.json").write_text("{half")
    assert KeptReport(tmp_path).previous(facts) is None
