"""`check` hints where `sampling.max_sequence_length` does not fit the weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents.project import load_project
from imgassets.documents.sequence_length import hints
from imgassets.documents.weights import weights_folder
from imgassets_tests.conftest import edit_file

T5 = ["transformers", "T5EncoderModel"]


def messages(root: Path) -> list[str]:
    return [str(hint) for hint in hints(load_project(root))]


def write_weights(root: Path, longest: int, **index: Any) -> None:
    """Weights of `fast` with other components, as far as a document looks at them."""
    shutil.copytree(weights_folder(root, "package:tiny-turbo"), root / "w", symlinks=False)
    path = root / "w" / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | index))
    (root / "w" / "tokenizer_3").mkdir()
    config = root / "w" / "tokenizer_3" / "tokenizer_config.json"
    config.write_text(json.dumps({"model_max_length": longest}))
    edit_file(root / "contracts" / "models" / "fast.yaml", "package:tiny-turbo", "w")


def length(root: Path, value: int | None) -> None:
    written = "" if value is None else f", max_sequence_length: {value}"
    edit_file(root / "contracts/models/fast.yaml", ", max_sequence_length: 0", written)


def test_the_right_length_of_an_embedded_model_has_no_hint(project_root: Path) -> None:
    assert messages(project_root) == []


def test_a_length_left_out_of_an_embedded_model(project_root: Path) -> None:
    """The default of 256 gave 0 % right: the model was trained without any."""
    length(project_root, None)
    (hint,) = messages(project_root)
    assert hint.startswith("contracts/models/fast.yaml:8: sampling.max_sequence_length: 256 (its ")
    assert "it was trained without [fix: set it to 0]" in hint


def test_weights_in_a_folder_without_t5(project_root: Path) -> None:
    write_weights(project_root, 77)
    length(project_root, 77)
    (hint,) = messages(project_root)
    assert "77: the weights have no text_encoder_3, so it gets 77 empty tokens" in hint


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "the weights have T5 (text_encoder_3), which gets no token"),
        (128, ""),
        (256, "the tokenizer of text_encoder_3 was made for 128 tokens [fix: set it to 128 or l"),
    ],
)
def test_weights_with_t5(project_root: Path, value: int, said: str) -> None:
    write_weights(project_root, 128, text_encoder_3=T5)
    length(project_root, value)
    found = messages(project_root)
    assert [said in hint for hint in found] == ([True] if said else [])
