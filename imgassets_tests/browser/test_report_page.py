"""The report in headless Chromium: WCAG 2.2 AA by axe-core, no request, keyboard, small screens."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from imgassets.report.build import build_report
from imgassets_tests.browser.conftest import Open
from imgassets_tests.report.factories import BASE, report_input
from imgassets_tests.report.test_rollout_section import HISTORY

pytestmark = pytest.mark.browser
WIDE, NARROW = 1280, 360
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FOCUSED = """() => {
    const found = document.activeElement, style = getComputedStyle(found)
    return [found.tagName, found.getAttribute("href") || "", style.outlineStyle]
}"""


@pytest.fixture(scope="session")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A NO-GO, a REVIEW and production itself, against an earlier report."""
    made_up = report_input(("tiny-turbo", "hosted-three", BASE), prompts=60)
    # Some pairs are folded away, most are left out: axe takes its time.
    few = {m: pairs[: 7 if m == "tiny-turbo" else 1] for m, pairs in made_up.pairs.items()}
    made_up = dataclasses.replace(made_up, pairs=few, rollout=HISTORY)
    page = build_report(dataclasses.replace(made_up, previous={"created": "yesterday"}))
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page["report.html"], encoding="utf-8")
    return path


def violations(page: Any) -> list[str]:
    """What axe-core finds, as `rule: element`."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core").Axe()
    only = {"runOnly": {"type": "tag", "values": _LEVELS}, "resultTypes": ["violations"]}
    found = axe.run(page, options=only)
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_axe_finds_nothing(report_file: Path, open_page: Open, width: int, scheme: str) -> None:
    page = open_page(report_file, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert violations(page) == []


def test_axe_finds_what_is_planted(report_file: Path, open_page: Open) -> None:
    """The other direction: pale text, a picture without words, a table head without text."""
    page = open_page(report_file, WIDE, "light")
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    page.evaluate("document.querySelector('.sentence').style.color = '#bbbbbb'")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    found = {text.split(":")[0] for text in violations(page)}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found


@pytest.mark.parametrize("width", [WIDE, 768, NARROW, 320])
def test_nothing_is_cut_off_or_fetched(report_file: Path, open_page: Open, width: int) -> None:
    """No sideways scrolling, also with everything folded out; one file, and no other request."""
    page = open_page(report_file, width, "light")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.wait_for_load_state("networkidle")
    assert [url for url in page.asked if not url.startswith("data:")] == [report_file.as_uri()]


def test_everything_is_reached_by_keyboard(report_file: Path, open_page: Open) -> None:
    """First the skip link; then every link and fold in turn, each with a visible outline."""
    page = open_page(report_file, WIDE, "light")
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUSED)[:2] == ["A", "#verdicts"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "verdicts"
    visible = "[...document.querySelectorAll('main a, summary')].filter(e => e.checkVisibility())"
    stops = page.evaluate(f"{visible}.length")
    for _ in range(stops):
        page.keyboard.press("Tab")
        tag, _, outline = page.evaluate(_FOCUSED)
        assert tag in ("A", "SUMMARY")
        assert outline != "none"
    last = f"{visible}.pop() === document.activeElement"
    assert page.evaluate(last)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
