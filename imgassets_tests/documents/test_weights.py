"""The fingerprint of a weights folder follows its content, linked parts included."""

from __future__ import annotations

from pathlib import Path

import pytest

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
