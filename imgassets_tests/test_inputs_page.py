"""docs/inputs.md says what the code does."""

from __future__ import annotations

from imgassets.documents.sources import SourceRules
from imgassets_tests.benchmarks.inputs_page import (
    PAGE,
    PROSE,
    class_table,
    corpus_table,
    rules_table,
)


def test_the_page_has_every_rule_and_every_input_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for part in (rules_table(), class_table(), corpus_table()):
        assert part.rstrip() in page
    assert all(f"`accepts.{name}`" in page for name in SourceRules.model_fields)
    assert "[[" not in page


def test_the_page_is_made_from_its_prose() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for paragraph in PROSE.read_text(encoding="utf-8").split("\n\n"):
        if "[[" not in paragraph:
            assert paragraph.strip() in page
