"""Weights that are not what their names say, each by name; and which files an image key follows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imgassets.backends.whole_folder import whole_folder
from imgassets.documents.project import load_project
from imgassets.documents.weights import folder_fingerprint, weights_folder
from imgassets.requests import build_requests
from imgassets_tests.conftest import edit_file

MODEL = "contracts/models/fast.yaml"
VAE = "vae/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(project_root: Path) -> Path:
    """The weights of a model of a project, to be spoiled."""
    embedded = weights_folder(project_root, "package:tiny-turbo")
    with whole_folder(embedded) as whole:
        copy = Path(shutil.copytree(whole, project_root / "weights"))
    edit_file(project_root / MODEL, "package:tiny-turbo", "weights")
    assert not load_project(project_root).problems
    return copy


def problems(folder: Path) -> list[str]:
    return [str(p) for p in load_project(folder.parent).problems]


def missing(folder: Path) -> None:
    (folder / VAE).unlink()


def truncated(folder: Path) -> None:
    (folder / VAE).write_bytes((folder / VAE).read_bytes()[:-1])


def truncated_in_the_header(folder: Path) -> None:
    (folder / VAE).write_bytes((folder / VAE).read_bytes()[:600])


def longer(folder: Path) -> None:
    (folder / VAE).write_bytes((folder / VAE).read_bytes() + b"more")


def lfs_pointer(folder: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 335306212\n"
    (folder / VAE).write_text(pointer)


def lfs_tokenizer(folder: Path) -> None:
    (folder / "tokenizer/tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\n")


def web_page(folder: Path) -> None:
    (folder / VAE).write_text("\n<!DOCTYPE html><html><body>Sign in</body></html>")


def web_page_for_an_index(folder: Path) -> None:
    (folder / "model_index.json").write_text("<html>Access denied</html>")


def empty(folder: Path) -> None:
    (folder / VAE).write_bytes(b"")


def pickle(folder: Path) -> None:
    (folder / VAE).write_bytes(b"PK\x03\x04" + bytes(1000))


def nonsense(folder: Path) -> None:
    (folder / VAE).write_bytes(b"\xff" * 1000)


def broken_header(folder: Path) -> None:
    (folder / VAE).write_bytes((4).to_bytes(8, "little") + b"{]}[")


def strange_header(folder: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32"}}).encode()
    (folder / VAE).write_bytes(len(header).to_bytes(8, "little") + header)


def dangling(folder: Path) -> None:
    (folder / VAE).unlink()
    (folder / VAE).symlink_to("../../blobs/abc")


def dangling_folder(folder: Path) -> None:
    shutil.rmtree(folder / "vae")
    (folder / "vae").symlink_to("../elsewhere/vae")


def no_component(folder: Path) -> None:
    shutil.rmtree(folder / "transformer")


def no_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def broken_index(folder: Path) -> None:
    (folder / "model_index.json").write_text("{")


def list_for_an_index(folder: Path) -> None:
    (folder / "model_index.json").write_text("[1]")


def single_file(folder: Path) -> None:
    shutil.move(folder / VAE, folder.parent / "kept")
    shutil.rmtree(folder)
    folder.mkdir()
    shutil.move(folder.parent / "kept", folder / "sd3.5_large.safetensors")


def a_file_for_a_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"a checkpoint")


def broken_config(folder: Path) -> None:
    (folder / "vae/config.json").write_text('{"a": ')


def other_name(folder: Path) -> None:
    (folder / VAE).rename(folder / "vae/sdxl_vae.safetensors")


def sharded(folder: Path, shard: str, tensor: str) -> None:
    """The network in one shard, and an index that asks for more."""
    part = folder / "transformer"
    name = "diffusion_pytorch_model-00001-of-00002.safetensors"
    (part / "diffusion_pytorch_model.safetensors").rename(part / name)
    places = {"a": shard, tensor: name}
    index = part / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))


def missing_shard(folder: Path) -> None:
    sharded(folder, "diffusion_pytorch_model-00002-of-00002.safetensors", "context_embedder.bias")


def shard_without_a_tensor(folder: Path) -> None:
    name = "diffusion_pytorch_model-00001-of-00002.safetensors"
    sharded(folder, name, "context_embedder.bias")


def index_without_shards(folder: Path) -> None:
    missing_shard(folder)
    index = folder / "transformer/diffusion_pytorch_model.safetensors.index.json"
    index.write_text('{"metadata": {}}')


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (missing, "vae/diffusion_pytorch_model.safetensors is missing"),
        (truncated, f"{VAE} is cut off: "),
        (truncated_in_the_header, f"{VAE} is cut off in its header, at 600 bytes"),
        (longer, f"{VAE} has 4 bytes too many"),
        (lfs_pointer, f"{VAE} is a pointer of Git LFS, not the file itself"),
        (lfs_tokenizer, "tokenizer/tokenizer.json is a pointer of Git LFS"),
        (web_page, f"{VAE} is a web page"),
        (web_page_for_an_index, "model_index.json is a web page"),
        (empty, f"{VAE} is empty"),
        (pickle, f"{VAE} is a pickle of PyTorch under another name"),
        (nonsense, f"{VAE} is no safetensors file"),
        (broken_header, f"{VAE} has a broken header"),
        (strange_header, f"{VAE} has a broken header"),
        (dangling, f"{VAE} is a link to ../../blobs/abc, which does not exist"),
        (dangling_folder, "vae is a link to ../elsewhere/vae, which does not exist"),
        (no_component, "transformer is missing"),
        (no_index, "model_index.json is missing"),
        (broken_index, "model_index.json is not JSON"),
        (list_for_an_index, "model_index.json names no components"),
        (single_file, "holds a single-file checkpoint (sd3.5_large.safetensors)"),
        (a_file_for_a_folder, "weights is a file, not a folder"),
        (broken_config, "vae/config.json is not JSON"),
        (other_name, "vae/sdxl_vae.safetensors would not be loaded; "),
        (missing_shard, "diffusion_pytorch_model-00002-of-00002.safetensors is missing"),
        (shard_without_a_tensor, "lacks 1 tensors that diffusion_pytorch_model.safetensors.index"),
        (index_without_shards, "names no shards"),
    ],
)
def test_what_is_broken_is_named(spoil: Callable[[Path], None], words: str, folder: Path) -> None:
    """File, line and field; one problem for one fault; each with a fix."""
    spoil(folder)
    found = problems(folder)
    told = [p for p in found if words.replace("; ", " [fix: ") in p]
    assert told, found
    assert len(found) == 1, found
    assert told[0].startswith(f"{MODEL}:3: weights: ")
    assert "[fix: " in told[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b"<html>", "is a web page"),
        (b"", "is empty"),
        (None, "no safetensors file in"),
    ],
)
def test_networks_of_upscalers_too(content: bytes | None, words: str, project_root: Path) -> None:
    network = project_root / "network"
    network.mkdir()
    if content is not None:
        (network / "x2.safetensors").write_bytes(content)
    edit_file(project_root / MODEL, '"package:tiny-x2"', "network")
    (problem,) = load_project(project_root).problems
    assert words in problem.message
    assert problem.field == "upscaler.weights"


# ---- image keys ----------------------------------------------------------------------------

NOT_LOADED = [
    ".DS_Store", "._model_index.json", "README.md", "LICENSE", "LICENSE.txt", "NOTICE",
    ".gitattributes", ".cache/huggingface/download/vae/a.metadata", ".cache/huggingface/.gitignore",
    ".git/HEAD", "vae/.DS_Store", "vae/._config.json", "vae/README.md", "vae/Thumbs.db",
    "vae/__MACOSX/x", "sd3.5_large.safetensors", "text_encoders/t5xxl_fp16.safetensors",
    "teaser.png", "vae/diffusion_pytorch_model.bin", "vae/diffusion_pytorch_model.fp16.safetensors",
    "transformer/diffusion_flax_model.msgpack", "transformer/model.onnx", "vae/config.json~",
    "vae/diffusion_pytorch_model.safetensors.lock", "vae/x.incomplete", "desktop.ini",
    "text_encoder_3/model.safetensors", "notes.txt", "workflow.json",
]  # fmt: skip


@pytest.mark.parametrize("name", NOT_LOADED)
def test_files_that_are_not_loaded_change_no_key(name: str, folder: Path) -> None:
    """Two machines with the same weights share images, whatever else lies there."""
    before = folder_fingerprint(folder)
    assert before == folder_fingerprint(weights_folder(folder, "package:tiny-turbo"))
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"something")
    assert folder_fingerprint(folder) == before
    assert not problems(folder)


LOADED = [
    "model_index.json", VAE, "vae/config.json", "scheduler/scheduler_config.json",
    "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json",
    "text_encoder/model.safetensors", "transformer/config.json",
]  # fmt: skip


@pytest.mark.parametrize("name", LOADED)
def test_files_that_are_loaded_do(name: str, folder: Path) -> None:
    before = folder_fingerprint(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert folder_fingerprint(folder) != before


def test_the_variant_that_is_loaded_counts_alone(folder: Path) -> None:
    """fp16 beside the plain files: each key follows its own; else the plain one."""
    plain, half = folder_fingerprint(folder), folder_fingerprint(folder, "fp16")
    assert plain == half
    file = folder / "vae/diffusion_pytorch_model.fp16.safetensors"
    file.write_bytes((folder / VAE).read_bytes())
    assert folder_fingerprint(folder) == plain
    assert folder_fingerprint(folder, "fp16") != half
    with_half = folder_fingerprint(folder, "fp16")
    (folder / VAE).write_bytes(b"other")
    assert folder_fingerprint(folder, "fp16") == with_half
    assert folder_fingerprint(folder) != plain


def test_a_network_of_one_file_has_no_notes(tmp_path: Path) -> None:
    (tmp_path / "x2.safetensors").write_bytes(b"a network")
    before = folder_fingerprint(tmp_path)
    for name in ("README.md", ".DS_Store", ".cache/x", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"note")
    assert folder_fingerprint(tmp_path) == before


#: SHA-256 of the embedded weights; images of the demo have been kept under them.
EMBEDDED = {
    "tiny-base": "99538566e0afd3c2fe3e939910ac568c17254fcf30f92eb636ec43cacd81b72e",
    "tiny-turbo": "8bf79404cc24524f42240b07f7481d9a17b56438c6a6baa0a192239105c21a6f",
    "tiny-x2": "38bafba4c01b1112948b34b0c8779484dfded3480da7abb51de825254526321e",
}


@pytest.mark.parametrize(("name", "sha256"), EMBEDDED.items())
def test_the_embedded_models_keep_their_keys(name: str, sha256: str, project_root: Path) -> None:
    assert folder_fingerprint(weights_folder(project_root, f"package:{name}")) == sha256


def test_the_key_of_an_image_follows_its_weights(folder: Path) -> None:
    def key() -> str:
        return build_requests(load_project(folder.parent), "cards", "fast", "cpu")[0].image_key

    before = key()
    (folder / "README.md").write_text("notes")
    assert key() == before
    (folder / "vae/config.json").write_text((folder / "vae/config.json").read_text() + " ")
    assert key() != before
