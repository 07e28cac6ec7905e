"""The documentation of metrics names all of them, and is what its command writes today."""

from __future__ import annotations

import pytest

from imgassets.metrics.families import FAMILIES, METRICS
from imgassets_tests.benchmarks import metrics_page
from imgassets_tests.benchmarks.metrics_page import FOLDER, OVERVIEWS, MissingFigureError, cell


@pytest.fixture(scope="module")
def text() -> str:
    return metrics_page.PAGE.read_text(encoding="utf-8")


def test_every_metric_and_family_is_there(text: str) -> None:
    for metric in METRICS.values():
        assert f"| `{metric.name}` | {metric.unit} | {metric.direction} |" in text
    for family in FAMILIES:
        assert f"### {family}\n" in text
        assert f"](metrics/{OVERVIEWS[family].page}.md)" in text


def test_every_link_leads_somewhere(text: str) -> None:
    for part in text.split("](")[1:]:
        assert (metrics_page.PAGE.parent / part.partition(")")[0]).is_file()
    for page in FOLDER.glob("*.md"):
        assert f"](metrics/{page.name})" in text, f"docs/metrics.md does not mention {page.name}"


def test_it_is_what_the_command_writes(text: str) -> None:
    """Run `python -m imgassets_tests.benchmarks.metrics_page` when this fails."""
    assert text == metrics_page.page()


def test_three_metrics_are_named_as_trusted_least(text: str) -> None:
    listed = text.partition("## Trusted least")[2].partition("\n## ")[0]
    named = [line.split("`")[1] for line in listed.splitlines() if line[:2] in ("1.", "2.", "3.")]
    assert len(named) == 3
    assert set(named) <= set(METRICS)


def test_a_missing_figure_stops_the_command() -> None:
    with pytest.raises(MissingFigureError, match="no figure 'nothing'"):
        cell("artefacts", "nothing", "photographs")
