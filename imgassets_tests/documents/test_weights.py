"""The fingerprint of a weights folder follows its content, linked parts included."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.shared_parts import shared_parts
from imgassets.documents.weights import folder_fingerprint


def test_it_changes_with_content_and_names_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    weights = tmp_path / "a" / "model.safetensors"
    weights.write_bytes(b"one")
    first = folder_fingerprint(tmp_path / "a")
    weights.touch()
    assert folder_fingerprint(tmp_path / "a") == first
    weights.rename(weights.with_name("other.safetensors"))
    assert folder_fingerprint(tmp_path / "a") != first


def test_linked_parts_count(tmp_path: Path) -> None:
    (tmp_path / "shared" / "vae").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "vae").symlink_to(Path("..") / "shared" / "vae")
    weights = tmp_path / "shared" / "vae" / "model.safetensors"
    weights.write_bytes(b"one")
    first = folder_fingerprint(tmp_path / "model")
    weights.write_bytes(b"other")
    assert folder_fingerprint(tmp_path / "model") != first


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        folder_fingerprint(tmp_path / "nowhere")


def test_shared_parts_count_as_if_they_lay_in_the_folder(tmp_path: Path) -> None:
    """Also those named by a file: the same key as for a copy, and another for other content."""
    index = '{"vae": ["diffusers", "A"], "unet": ["diffusers", "B"]}'
    for folder in ("base", "turbo", "copy"):
        (tmp_path / folder / "unet").mkdir(parents=True)
        (tmp_path / folder / "unet" / "model.safetensors").write_bytes(b"two")
        (tmp_path / folder / "model_index.json").write_text(index)
    for folder in ("base", "copy"):
        (tmp_path / folder / "vae").mkdir()
        (tmp_path / folder / "vae" / "model.safetensors").write_bytes(b"one")
    shares = tmp_path / "turbo" / "shared_parts.json"
    shares.write_text('{"folder": "base", "parts": ["vae"]}')
    assert folder_fingerprint(tmp_path / "turbo") == folder_fingerprint(tmp_path / "copy")
    (tmp_path / "base" / "vae" / "model.safetensors").write_bytes(b"other")
    assert folder_fingerprint(tmp_path / "turbo") != folder_fingerprint(tmp_path / "copy")


@pytest.mark.parametrize(
    "written",
    ['{"folder": "../elsewhere", "parts": ["vae"]}', '{"folder": "base", "parts": ["../vae"]}',
     '{"folder": "/etc", "parts": ["vae"]}', '{"parts": ["vae"]}', "[]"],
)  # fmt: skip
def test_nothing_but_a_folder_beside_it_is_shared(written: str, tmp_path: Path) -> None:
    (tmp_path / "shared_parts.json").write_text(written)
    with pytest.raises(ValueError, match=r"shared_parts\.json"):
        shared_parts(tmp_path)
