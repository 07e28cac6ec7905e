"""`$IMGASSETS_EXECUTOR`: which executor the jobs have, and what is refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from imgassets.defs import executors
from imgassets.defs.build import build_definitions
from imgassets.defs.executors import chosen_executor
from imgassets.documents.environment import PlaceError
from imgassets.documents.project import load_project
from imgassets_tests.conftest import write_project

VARIABLE = "IMGASSETS_EXECUTOR"


def test_one_process_unless_something_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert chosen_executor().name == "in_process"
    monkeypatch.setenv(VARIABLE, "in_process")
    assert chosen_executor().name == "in_process"


@pytest.mark.parametrize(
    ("said", "module", "name"),
    [("celery", "dagster_celery", "celery"), ("kubernetes", "dagster_k8s", "k8s")],
)
def test_all_jobs_have_the_executor_but_the_one_that_only_plans(
    said: str, module: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec(module) is None:
        pytest.skip(f"imgassets[{said}] is not installed")
    monkeypatch.setenv(VARIABLE, said)
    write_project(tmp_path)
    defs = build_definitions(load_project(tmp_path))
    named = {job: defs.resolve_job_def(job).executor_def.name for job in ("validate", "revalidate")}
    assert named == {"validate": name, "revalidate": name}
    assert defs.resolve_job_def("catch_up").executor_def.name == "in_process"


@pytest.mark.parametrize("said", ["", "Celery", "dask"])
def test_what_is_no_executor_is_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(PlaceError, match="write in_process, celery or kubernetes"):
        chosen_executor()


def test_a_missing_package_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "kubernetes")
    monkeypatch.setattr(executors, "find_spec", lambda _: None)
    with pytest.raises(PlaceError, match=r"pip install 'imgassets\[kubernetes\]'"):
        chosen_executor()
