"""A validated project that tests review, and never change but by answers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.review.answer_file import Answers
from imgassets.review.desk import Desk
from imgassets.review.session import Session, open_session
from imgassets.storage.image_store import ImageStore
from imgassets_tests.review.factories import write_reviewed


@pytest.fixture(scope="session")
def reviewed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reviewed")
    write_reviewed(root)
    return root


@pytest.fixture
def reviewed(reviewed_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of its own, and the project that commands find."""
    root = tmp_path / "project"
    shutil.copytree(reviewed_once, root)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(root))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return root


@pytest.fixture(scope="session")
def opened(reviewed_once: Path) -> Session:
    """The deck of 40, chosen once."""
    return open_session(load_project(reviewed_once), "cards", "fast", 40, 0)


@pytest.fixture
def session(opened: Session, tmp_path: Path) -> Session:
    """The same deck with a file of answers of its own."""
    answers = Answers(tmp_path, "cards")
    load = ImageStore(opened.answers.path.parents[1] / ".imgassets/images").read_bytes
    return replace(opened, answers=answers, desk=Desk(opened.desk.deck, answers, load))
