"""A document that asks for what cannot be made is blamed itself, and mending it is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.defs.headless import validate
from imgassets.documents.project import load_project
from imgassets.refresh.selection import Selection
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import at_home, model_file, write_small_project


def test_a_fault_of_a_document_is_inconclusive_until_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    write_small_project(tmp_path)
    good = "max_sequence_length: 0}"
    bad = "max_sequence_length: 0, arguments: {prompt_embeds: 1}}"
    edit_file(model_file(tmp_path, "fast"), good, bad)
    with at_home(tmp_path) as instance:
        prod, fast = validate(load_project(tmp_path), instance, Selection())
        assert fast.verdict == "INCONCLUSIVE"
        assert fast.decided_by[0] == "generate__failures_bad_document"
        assert "only forward one of the two" in fast.sentence  # the error's own words
        assert "Mend that first" in fast.sentence
        assert "bad_document" not in prod.sentence

        edit_file(model_file(tmp_path, "fast"), bad, good)
        _, mended = validate(load_project(tmp_path), instance, Selection())
    assert "generate__failures_bad_document" not in mended.decided_by
    assert (read_table(tmp_path, "cards", "fast", "generated")["status"] == "ok").all()
