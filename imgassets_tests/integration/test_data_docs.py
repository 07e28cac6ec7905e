"""Data Docs: every expectation of the contract, on pages that need no network."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from imgassets.commands.data_docs import NothingMadeError, build_docs, suite
from imgassets.spec.project import load_project
from imgassets_tests.integration.conftest import Finished


class Links(HTMLParser):
    """All attributes that could make a browser ask for something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, v or "") for k, v in attrs if k in ("src", "href", "srcset", "data")]


@pytest.fixture(scope="module")
def docs(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "docs"
    project, home = load_project(finished.root), finished.root / ".imgassets"
    build_docs(project, home, folder)
    return build_docs(project, home, folder)  # again: the earlier pages are replaced


def test_the_suite_is_the_contract(finished: Finished) -> None:
    """One expectation for each floor, ceiling, margin and failure mode, with its severity."""
    contract = load_project(finished.root).endpoint("cards")
    built = suite(contract, "fast", finished.root / ".imgassets")
    assert built is not None
    limits = [c for c in contract.all_criteria if c.floor is not None or c.ceiling is not None]
    margins = [c for c in contract.all_criteria if c.margin is not None]
    modes = len(contract.flows) * (len(contract.failure_modes) + 1)  # and all others together
    assert len(built.expectations) == len(limits) + len(margins) + modes
    severity = {e.column: e.severity for e in built.expectations}
    for criterion in limits:
        expected = {"gating": "critical", "warning": "warning"}[criterion.severity]
        assert severity[criterion.name] == expected


def test_pages_of_every_model_are_linked_from_the_index(docs: Path) -> None:
    links = [href for tag, href in Links(docs.read_text()).found if tag == "a"]
    assert len(links) == 4  # results and suite of two models
    assert all((docs.parent / link).is_file() for link in links)
    results = (docs.parent / links[0]).read_text()
    assert "the mean composition.correct on flow generate is at least" in results
    assert len(list(docs.parent.rglob("*.html"))) == 5


def test_nothing_is_fetched_or_run(docs: Path) -> None:
    for page in docs.parent.rglob("*.html"):
        text = page.read_text()
        assert "default-src 'none'" in text
        assert not re.search(r"<script|url\(|@import|\bonload=", text)
        for tag, target in Links(text).found:
            assert tag == "a"
            assert not re.match(r"(\w+:)?//", target)


def test_other_peoples_folders_are_left_alone(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="name another folder"):
        build_docs(load_project(finished.root), finished.root / ".imgassets", tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_nothing_made_yet(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(NothingMadeError, match="imgassets validate"):
        build_docs(load_project(finished.root), tmp_path, tmp_path / "docs")
    shutil.rmtree(tmp_path)
