"""Weights from a hub: one commit over a real socket, safetensors alone, then offline."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgassets.backends.base import BackendError
from imgassets.backends.hub import pipeline_folder
from imgassets.backends.registry import open_backend
from imgassets_tests.backends.conftest import asked, document
from imgassets_tests.hub_server import serve

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "acme/shoes"


@pytest.fixture
def hub(
    small: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """What a hub on loopback was asked for; it has pickles and a single-file checkpoint as well."""
    from huggingface_hub import constants, hf_api

    repository = tmp_path / "repository"
    shutil.copytree(small("sdxl"), repository)
    (repository / "sdxl.safetensors").write_bytes(b"a checkpoint in one file")
    (repository / "pytorch_model.bin").write_bytes(b"a pickle")
    with serve(repository, NAME, COMMIT) as (url, files):
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(hf_api.api, "endpoint", url)
        yield files


def test_a_commit_is_fetched_once_and_makes_images(hub: list[str], tmp_path: Path) -> None:
    """Only what the pipeline needs is fetched; the second time nothing is."""
    model = document("sdxl", f"hub:{NAME}", revision=COMMIT)
    outcome = open_backend(tmp_path, model, "cpu").generate([asked(model)])[0]
    assert outcome.image is not None, outcome.message
    assert "unet/diffusion_pytorch_model.safetensors" in hub
    assert not {"sdxl.safetensors", "pytorch_model.bin"} & set(hub)
    fetched = len(hub)
    pipeline_folder(tmp_path, f"hub:{NAME}", COMMIT, "here")
    assert len(hub) == fetched


def test_a_commit_that_is_not_there_is_named(hub: list[str], tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=f"{NAME} at commit {'f' * 40} cannot be downloaded"):
        pipeline_folder(tmp_path, f"hub:{NAME}", "f" * 40, "here")
    assert hub == []
