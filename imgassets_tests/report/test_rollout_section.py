"""The section on the rollout: where it stands, its history, and nothing that could be markup."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from imgassets.report.build import build_report
from imgassets.report.inputs import ReportInput
from imgassets.report.page import render_html
from imgassets_tests.report.test_page import HOSTILE, Outline

BASE: dict[str, Any] = {
    "at": "2026-11-02T09:00:00.000+00:00", "by": "ada@studio", "event": "start",
    "incumbent": "tiny-base", "candidate": "tiny-turbo", "before": "none", "stage": "shadow",
    "percent": 0.0, "frozen": False, "verdict": "f" * 64, "reason": "cheaper",
}  # fmt: skip
HISTORY = [
    BASE,
    BASE | {"event": "promote", "before": "shadow", "stage": "0.5", "percent": 0.5},
    BASE | {"event": "freeze", "before": "0.5", "stage": "0.5", "percent": 0.5, "frozen": True,
            "verdict": "", "reason": "odd hands"},
]  # fmt: skip


def page_of(report: ReportInput, *history: dict[str, Any]) -> str:
    return render_html(dataclasses.replace(report, rollout=history))


def test_where_it_stands_and_what_was_done(made_up: ReportInput) -> None:
    page = " ".join(page_of(made_up, *HISTORY).split())
    assert "tiny-turbo is at stage 0.5: 0.5 % of users get it, all others tiny-base." in page
    assert "<strong>Frozen</strong> by ada@studio: odd hands" in page
    assert "History: 3" in page
    assert page.index("freeze by ada@studio") < page.index("start by ada@studio")
    assert 'href="#rollout"' in page


def test_after_a_revert_all_users_have_the_incumbent(made_up: ReportInput) -> None:
    back = BASE | {"event": "revert", "stage": "none", "before": "10", "reason": ""}
    page = page_of(made_up, *HISTORY, back)
    assert "tiny-base has all users, since 2026-11-02T09:00:00.000+00:00 (revert by" in page
    assert "no reason given" in page


def test_without_a_rollout_there_is_no_section(page: str, files: dict[str, str]) -> None:
    assert "rollout" not in page
    assert "rollout" not in json.loads(files["report.json"])


def test_reasons_and_names_are_text(made_up: ReportInput) -> None:
    entry = BASE | {"reason": HOSTILE, "by": HOSTILE, "frozen": True}
    page = page_of(made_up, entry)
    assert "<script>" not in page
    assert {"script", "iframe"}.isdisjoint(tag for tag, _ in Outline(page).elements)
    assert not Outline(page).open


def test_the_json_has_the_history(made_up: ReportInput) -> None:
    files = build_report(dataclasses.replace(made_up, rollout=HISTORY))
    assert json.loads(files["report.json"])["rollout"] == HISTORY
