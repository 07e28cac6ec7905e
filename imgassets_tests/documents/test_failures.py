"""Failure modes are described once, and the pages about them agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from imgassets.documents.failures import (
    FAILURE_MODES,
    NEVER_ASKED,
    NOT_THE_MODELS,
    Billed,
    ModeName,
)

HOSTED_PAGE = Path(__file__).parents[2] / "docs/hosted.md"


def test_every_mode_has_one_record() -> None:
    assert tuple(FAILURE_MODES) == get_args(ModeName)
    assert NEVER_ASKED < NOT_THE_MODELS < FAILURE_MODES.keys()


def test_what_may_be_asked_again_was_perhaps_paid_and_does_not_pass_by_itself() -> None:
    for mode in FAILURE_MODES.values():
        if mode.may_be_asked_again:
            assert mode.billed is not Billed.NO
            assert not mode.transient


def test_the_page_on_hosted_models_says_the_same() -> None:
    """Columns: mode, from, billed, tried again in the run, asked again in the next run."""
    text = HOSTED_PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|(.*)\|$", text, re.M)
    told: dict[str, list[list[str]]] = {}
    for names, cells in rows:
        for name in re.findall(r"`(\w+)`", names):
            told.setdefault(name, []).append([c.strip() for c in cells.split(" | ")])
    pages = {name: cells for name, cells in told.items() if name in FAILURE_MODES}
    assert len(pages) > 15
    for name, lines in pages.items():
        mode = FAILURE_MODES[name]
        assert mode.may_be_asked_again == any(c[3] == "with `ask_again`" for c in lines), name
        assert mode.transient == any(c[3] == "yes" for c in lines), name
        billed = {c[1] for c in lines}
        assert (mode.billed is Billed.NO) == (billed <= {"no", "no, or kept"}), name
