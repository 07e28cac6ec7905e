"""Data Docs: every expectation of the contract, on pages that need no network."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from imgassets.documents.criteria import Review
from imgassets.documents.project import load_project
from imgassets.report.data_docs import NothingMadeError, build_docs, suite
from imgassets.storage.project_home import ProjectHome
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
    project, home = load_project(finished.root), ProjectHome(finished.root / ".imgassets")
    build_docs(project, home, folder)
    return build_docs(project, home, folder)  # again: the earlier pages are replaced


@pytest.mark.parametrize("name", ["pays $HOME", "q?x", "100%", "a#b", "[x]", "${NAME}"])
def test_pages_are_written_to_any_folder(name: str, finished: Finished, tmp_path: Path) -> None:
    """Great Expectations would put the user's folder for `$HOME`, and write somewhere else."""
    folder = tmp_path / name / "docs"
    build_docs(load_project(finished.root), ProjectHome(finished.root / ".imgassets"), folder)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert len(list(folder.rglob("*.html"))) == 5


def test_the_suite_is_the_contract(finished: Finished) -> None:
    """One expectation for each floor, ceiling, failure mode and decision, with its severity."""
    contract = load_project(finished.root).endpoint("cards")
    built = suite(contract, "fast", ProjectHome(finished.root / ".imgassets"))
    assert built is not None
    limits = [c for c in contract.all_criteria if c.floor is not None or c.ceiling is not None]
    modes = len(contract.flows) * (len(contract.failure_modes) + 1)  # and all others together
    decisions = len(contract.all_criteria) + modes  # margins and error bars, by the comparison
    assert len(built.expectations) == len(limits) + modes + decisions
    assert len(built.expectations) == len({e.column for e in built.expectations})
    severity = {e.column: e.severity for e in built.expectations}
    for criterion in limits:
        expected = {"gating": "critical", "warning": "warning"}[criterion.severity]
        assert severity[criterion.name] == expected


def test_what_only_sends_to_a_person_is_in_the_suite(finished: Finished) -> None:
    """The margins of `review`, and criteria of that severity: broken is unexpected, open is not."""
    contract = load_project(finished.root).endpoint("cards")
    asking = contract.model_copy(update={"review": Review(look={"lightness": 1.0})})
    built = suite(asking, "fast", ProjectHome(finished.root / ".imgassets"))
    assert built is not None
    looks = [e for e in built.expectations if "look_lightness" in e.column]
    assert len(looks) == len(contract.flows)
    assert {e.severity for e in looks} == {"warning"}
    assert all(e.value_set == ["passed", "undecided"] for e in looks)


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


def test_every_page_has_an_outline(docs: Path) -> None:
    """One main part and one first heading; all ways through the page are told apart."""
    for page in docs.parent.rglob("*.html"):
        text = page.read_text()
        assert len(re.findall(r"<main\b", text)) == text.count("</main>") == 1
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", text)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert max(levels) <= 3
        labels = re.findall(r"<nav\b[^>]*", text)
        assert len({re.search(r'aria-label="(.+?)"', nav)[1] for nav in labels}) == len(labels)  # type: ignore[index]


def test_other_peoples_folders_are_left_alone(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="name another folder"):
        build_docs(load_project(finished.root), ProjectHome(finished.root / ".imgassets"), tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_nothing_made_yet(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(NothingMadeError, match="imgassets validate"):
        build_docs(load_project(finished.root), ProjectHome(tmp_path), tmp_path / "docs")
    shutil.rmtree(tmp_path)
