"""The scripts that write numbers into `docs/` are run rarely, so a test holds that they can be."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from imgassets_tests import benchmarks
from imgassets_tests.benchmarks.planning_speed import measured
from imgassets_tests.integration.small import write_small_project

MODULES = sorted(p.stem for p in Path(benchmarks.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_imports(name: str) -> None:
    assert importlib.import_module(f"{benchmarks.__name__}.{name}").__doc__


def test_planning_speed_measures_a_command_in_a_process_of_its_own(tmp_path: Path) -> None:
    """What that process imports stands in a string, which no linter reads."""
    write_small_project(tmp_path)
    (imports, seconds, whole, peak), output = measured(tmp_path, tmp_path / ".imgassets", "check")
    assert min(imports, seconds, whole) > 0
    assert peak > 10
    assert output
