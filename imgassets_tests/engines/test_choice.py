"""What $IMGASSETS_ENGINE may say, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imgassets.documents.environment import PlaceError
from imgassets.documents.project import load_project
from imgassets.engines.choice import (
    LocalProcesses,
    RayCluster,
    can_be_spread,
    engine_setting,
)
from imgassets.engines.crew import EngineError
from imgassets.engines.processes import Processes
from imgassets.engines.ray_actors import RayActors


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("local", None),
        ("local:2", LocalProcesses(2)),
        ("ray://auto", RayCluster("auto")),
        ("ray://10.0.0.1:6379", RayCluster("10.0.0.1:6379")),
        ("ray://auto?workers=3&cpus=2&gpus=0.5", RayCluster("auto", 3, 2.0, 0.5)),
    ],
)
def test_engines(monkeypatch: pytest.MonkeyPatch, said: str, meant: object) -> None:
    monkeypatch.setenv("IMGASSETS_ENGINE", said)
    assert engine_setting() == meant


def test_unset_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMGASSETS_ENGINE", raising=False)
    assert engine_setting() is None


@pytest.mark.parametrize(
    "said",
    [
        "", "celery", "local:", "local:0", "local:x", "ray://", "ray://host", "ray://host:x",
        "ray://me:secret@host:6379", "ray://auto/path", "ray://auto?gpu=1", "ray://auto?cpus=-1",
        "ray://auto?workers=0", "ray://auto?workers", "ray:auto",
    ],
)  # fmt: skip
def test_what_is_no_engine_is_refused_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("IMGASSETS_ENGINE", said)
    with pytest.raises(PlaceError, match=r"IMGASSETS_ENGINE is .*write local"):
        engine_setting()


def test_a_missing_ray_is_told_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install 'imgassets\[cluster\]'"):
        RayActors(RayCluster("auto"), "cpu")


def test_each_worker_sees_one_gpu_and_no_more_are_asked_for_than_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    crew = Processes(2, "cuda")
    assert [crew._environment(n)["CUDA_VISIBLE_DEVICES"] for n in range(2)] == ["3", "5"]
    with pytest.raises(EngineError, match="there are 2 GPUs for them; write local:2"):
        Processes(3, "cuda")


def test_cores_are_shared_and_a_number_of_threads_that_is_set_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert Processes(10_000, "cpu")._environment(0)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert Processes(2, "cpu")._environment(0)["OMP_NUM_THREADS"] == "7"


def test_only_what_runs_on_our_processors_is_spread(project_root: Path) -> None:
    model = load_project(project_root).model("fast")
    assert can_be_spread(model, "generate")
    assert can_be_spread(model, "upscale")
