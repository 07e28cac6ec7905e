"""What every backend must do; today's only one is run on the embedded models."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from imgassets.backends.base import BackendError
from imgassets.backends.device import Meter, choose_device
from imgassets.backends.diffusers_backend import DiffusersBackend
from imgassets.backends.registry import open_backend, upscale_maker
from imgassets.backends.whole_folder import whole_folder
from imgassets.documents.model import Model
from imgassets.documents.project import load_project
from imgassets.images.masks import region_mask
from imgassets.requests import build_requests
from imgassets_tests.conftest import edit_file, write_project

#: A pipeline that is never called.
NOTHING = SimpleNamespace(scheduler=SimpleNamespace(config={}), components={})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    return folder


@pytest.fixture(scope="module")
def model(root: Path) -> Model:
    return load_project(root).model("fast")


@pytest.fixture(scope="module")
def backend(root: Path, model: Model) -> DiffusersBackend:
    opened = open_backend(root, model, "cpu")
    assert isinstance(opened, DiffusersBackend)
    return opened


def inputs(root: Path, flow: str) -> list[dict[str, Any]]:
    requests = build_requests(load_project(root), "cards", "fast", "cpu")
    return [r.inputs for r in requests if r.flow == flow]


def pixels(image: Image.Image | None) -> np.ndarray:
    assert image is not None
    return np.asarray(image)


def test_generate_gives_one_outcome_a_request_in_order(
    root: Path, backend: DiffusersBackend
) -> None:
    asked = inputs(root, "generate")
    outcomes = backend.generate(asked)
    assert len(outcomes) == len(asked) == 6
    for outcome in outcomes:
        assert outcome.failure is None, outcome.message
        assert pixels(outcome.image).shape == (96, 96, 3)
        assert outcome.seconds > 0
        assert outcome.peak_memory_mib > 0
    assert not np.array_equal(pixels(outcomes[0].image), pixels(outcomes[1].image))


def test_an_image_depends_neither_on_its_neighbours_nor_on_its_place(
    root: Path, backend: DiffusersBackend
) -> None:
    asked = inputs(root, "generate")
    together = backend.generate(asked[:4])
    backwards = backend.generate(asked[3::-1])[::-1]
    alone = backend.generate([asked[2]])
    for a, b in zip(together, backwards, strict=True):
        assert np.array_equal(pixels(a.image), pixels(b.image))
    assert np.array_equal(pixels(together[2].image), pixels(alone[0].image))


def test_edit_repaints_the_source(root: Path, backend: DiffusersBackend) -> None:
    asked = inputs(root, "edit")
    sources = [Image.new("RGB", (96, 96), "white")] * len(asked)
    outcomes = backend.edit(asked, sources)
    again = backend.edit(asked, sources)
    for outcome, repeated in zip(outcomes, again, strict=True):
        assert outcome.failure is None, outcome.message
        assert np.array_equal(pixels(outcome.image), pixels(repeated.image))
        assert not np.array_equal(pixels(outcome.image), pixels(sources[0]))


def test_a_size_the_pipeline_refuses_is_a_fault_of_the_documents(
    root: Path, backend: DiffusersBackend
) -> None:
    asked = [inputs(root, "generate")[0] | {"size": [97, 96]}]
    outcome = backend.generate(asked)[0]
    assert outcome.image is None
    assert outcome.failure == "bad_document"
    assert "97" in outcome.message


def test_batches_shrink_when_memory_runs_out(
    root: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = DiffusersBackend(model, Path("unused"), "cpu")
    sizes: list[int] = []

    def run(pipeline: Any, asked: list[dict[str, Any]], **extra: Any) -> np.ndarray:
        sizes.append(len(asked))
        if len(asked) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return np.full((len(asked), 8, 8, 3), 0.5)

    monkeypatch.setattr(DiffusersBackend, "_text_to_image", NOTHING)
    monkeypatch.setattr(backend, "_run", run)
    outcomes = backend.generate(inputs(root, "generate")[:4])
    assert sizes == [4, 2, 2]
    assert [o.batch_size for o in outcomes] == [2, 2, 2, 2]


def test_nan_is_a_failure_of_that_image_alone(
    root: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = DiffusersBackend(model, Path("unused"), "cpu")

    def run(pipeline: Any, asked: list[dict[str, Any]], **extra: Any) -> np.ndarray:
        made = np.full((len(asked), 8, 8, 3), 0.5)
        made[1, 0, 0, 0] = np.nan
        return made

    monkeypatch.setattr(DiffusersBackend, "_text_to_image", NOTHING)
    monkeypatch.setattr(backend, "_run", run)
    outcomes = backend.generate(inputs(root, "generate")[:3])
    assert [o.failure for o in outcomes] == [None, "non_finite", None]


def test_the_upscaler_doubles(root: Path, model: Model) -> None:
    make = upscale_maker(root, model, "cpu")
    outcome = make([{}], [Image.new("RGB", (96, 96), "red")])[0]
    assert outcome.image is not None
    assert outcome.image.size == (192, 192)


def test_a_wrong_scale_is_refused(root: Path, model: Model) -> None:
    assert model.upscaler is not None
    upscaler = model.upscaler.model_copy(update={"scale": 4})
    with pytest.raises(BackendError, match=r"correct upscaler\.scale"):
        upscale_maker(root, model.model_copy(update={"upscaler": upscaler}), "cpu")


def test_a_missing_weight_file_is_named(root: Path, model: Model, tmp_path: Path) -> None:
    write_project(tmp_path)
    weights = tmp_path / "weights"
    from imgassets.documents.weights import weights_folder

    with whole_folder(weights_folder(tmp_path, model.weights)) as whole:
        shutil.copytree(whole, weights)
    next((weights / "vae").glob("*.safetensors")).unlink()
    edit_file(tmp_path / "contracts/models/fast.yaml", "package:tiny-turbo", "weights")
    problems = load_project(tmp_path).problems
    assert any("vae" in p.message and p.field == "weights" for p in problems)
    with pytest.raises(BackendError, match="vae"):
        open_backend(tmp_path, model.model_copy(update={"weights": "weights"}), "cpu")


def test_a_folder_of_pickles_is_no_model(tmp_path: Path) -> None:
    write_project(tmp_path)
    weights = tmp_path / "weights" / "vae"
    weights.mkdir(parents=True)
    (weights / "config.json").write_text("{}")
    (weights / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (weights.parent / "model_index.json").write_text(json.dumps({"vae": ["diffusers", "A"]}))
    edit_file(tmp_path / "contracts/models/fast.yaml", "package:tiny-turbo", "weights")
    assert any("safetensors" in p.message for p in load_project(tmp_path).problems)


def test_the_mask_is_white_inside_the_region() -> None:
    mask = np.asarray(region_mask((0.5, 0.0, 1.0, 1.0), (96, 48)))
    assert mask.shape == (48, 96)
    assert (mask[:, 48:] == 255).all()
    assert (mask[:, :48] == 0).all()


def test_devices_are_chosen_in_words() -> None:
    assert choose_device("cuda") == ("cuda", "as configured")
    assert choose_device()[0] in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="unknown device"):
        choose_device("tpu")


def test_the_meter_sees_time_and_memory() -> None:
    before = psutil.Process().memory_info().rss / 2**20
    with Meter("cpu") as meter:
        block = np.ones(200 * 2**20 // 8)
        time.sleep(0.15)
        del block
        time.sleep(0.15)
    assert meter.seconds >= 0.3
    assert before + 150 < meter.peak_mib < before + 300
