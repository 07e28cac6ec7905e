"""One full run of the small project, shared by the tests that only look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from imgassets.decision import Verdict
from imgassets.defs.headless import validate
from imgassets.documents.project import load_project
from imgassets.refresh.dagster_runs import open_instance
from imgassets.refresh.selection import Selection
from imgassets_tests.conftest import write_project
from imgassets_tests.integration.small import validated, write_small_project


@dataclass(frozen=True)
class Finished:
    """A project after one undisturbed run."""

    root: Path
    instance: dg.DagsterInstance
    verdicts: list[Verdict]

    def table(self, *key: str) -> pd.DataFrame:
        return read_table(self.root, *key)


def read_table(root: Path, *key: str) -> pd.DataFrame:
    return pd.read_parquet((root / ".imgassets" / "tables").joinpath(*key).with_suffix(".parquet"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    root = tmp_path_factory.mktemp("finished")
    write_project(root)
    before = dict(os.environ)
    os.environ["DAGSTER_HOME"] = str(root / ".imgassets" / "dagster")
    try:
        with open_instance(root) as instance:
            verdicts = validate(load_project(root), instance, Selection())
            yield Finished(root, instance, verdicts)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest project, validated once; tests change copies of it."""
    root = tmp_path_factory.mktemp("small")
    write_small_project(root)
    before = os.environ.pop("IMGASSETS_HOME", None)
    validated(root)
    if before is not None:
        os.environ["IMGASSETS_HOME"] = before
    return root
