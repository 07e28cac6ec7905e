"""The reference lists every field of every document, with its meaning, and is current."""

from __future__ import annotations

import pytest

from imgassets_tests.documents.reference_pages import PAGES, fields_of_all, meaning, pages


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return pages()


def test_the_pages_are_current(texts: dict[str, str]) -> None:
    """If this fails: python -m imgassets_tests.documents.reference_pages."""
    kept = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert kept == texts


def test_every_field_says_what_it_means() -> None:
    """If this fails: give the field a `description=`."""
    silent = {f"{m.owner.__name__}.{m.name}" for m in fields_of_all() if not meaning(m)}
    assert not silent


def test_every_field_has_a_row_with_an_example(texts: dict[str, str]) -> None:
    rows = [line for text in texts.values() for line in text.splitlines() if line[:3] == "| `"]
    named = {f"`{m.path[-1]}`" for m in fields_of_all()}
    assert named == {row.split(" | ")[0].removeprefix("| ") for row in rows}
    held = [row for row in rows if "](#" in row.split(" | ")[2]]
    bare = [row for row in rows if row not in held and not row.split(" | ")[4].strip()]
    bare = [row for row in bare if not row.startswith("| `usd_per_hour`")]  # none for an API
    assert not bare, "write the field in every_document.py, so that it has an example"
