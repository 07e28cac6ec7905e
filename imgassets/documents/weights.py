"""Weights: what names them, where they are, which of their files count, and their hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document, fingerprint
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.shared_parts import part_folder

#: `package:NAME` means weights that ship inside imgassets.
PACKAGE_PREFIX = "package:"
#: `hub:OWNER/NAME` means a repository of the Hugging Face hub.
HUB_PREFIX = "hub:"
_PACKAGE = Path(__file__).parent.parent
#: Bytes; configurations of networks and schedulers are smaller, vocabularies of tokenizers larger.
_LARGEST_SETTINGS = 20_000
#: Folders of embedded weights: of models and of judges.
_EMBEDDED = (_PACKAGE / "tiny" / "weights", _PACKAGE / "judges" / "weights")


class Weights(Document):
    """Weights by name: an embedded model, a folder, or a commit of a hub repository."""

    weights: Annotated[str, Facet.PIXELS | Facet.BY_CONTENT] = Field(
        min_length=1,
        description="`package:NAME` for an embedded model, `hub:OWNER/NAME`, else a folder (from "
        "the project root).",
    )
    revision: Annotated[str | None, Facet.PIXELS | Facet.BY_CONTENT] = Field(
        None, description="Full commit (40 hex digits) of hub weights."
    )

    @model_validator(mode="after")
    def _hub_weights_are_pinned(self) -> Self:
        name = hub_name(self.weights)
        if name is None:
            if self.revision is not None:
                message = "revision is for weights from the hub (`hub:OWNER/NAME`)"
                raise FieldError(message, "drop it", "revision")
            return self
        told = f"git ls-remote https://huggingface.co/{name} {self.revision or 'HEAD'}"
        fix = f"write the commit that `{told}` tells"
        if self.revision is None:
            message = f"{name} has no revision, and what is on the hub can change"
            raise FieldError(message, f"add `revision`: {fix}", "weights")
        if len(self.revision) != 40 or set(self.revision) - set("0123456789abcdef"):
            raise FieldError(
                f"revision {self.revision!r} is not a full commit of 40 hex digits; branches and "
                "tags move, and with them the pixels",
                fix,
                "revision",
            )
        return self


def hub_name(weights: str) -> str | None:
    """`OWNER/NAME` of weights from the hub; None for folders."""
    return weights.removeprefix(HUB_PREFIX) if weights.startswith(HUB_PREFIX) else None


def weights_fingerprint(
    root: Path, weights: str, revision: str | None = None, variant: str | None = None
) -> str:
    """SHA-256 that stands for the content of weights; a hub commit stands for its own content.

    Raises:
        FileNotFoundError: a folder that is not there.
    """
    if hub_name(weights) is not None:
        return fingerprint({"weights": weights, "revision": revision})
    return folder_fingerprint(weights_folder(root, weights), variant)


def weights_folder(root: Path, weights: str) -> Path:
    """The folder that `weights` names; relative ones start at the project root. Not for the hub."""
    if weights.startswith(PACKAGE_PREFIX):
        folders = [place / weights.removeprefix(PACKAGE_PREFIX) for place in _EMBEDDED]
        return next((folder for folder in folders if folder.is_dir()), folders[0])
    return (root / Path(weights).expanduser()).resolve()


def cached_folder(name: str, revision: str | None) -> Path | None:
    """Where huggingface_hub keeps a commit of a repository; None when it has not been downloaded.

    Its rule, without importing it: `HF_HUB_CACHE`, else `hub` in `HF_HOME` or the user's cache.
    """
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    hub = os.environ.get("HF_HUB_CACHE") or os.path.join(  # noqa: PTH118 - may be empty or relative
        os.environ.get("HF_HOME") or f"{home}/huggingface", "hub"
    )
    repository = Path(hub) / f"models--{name.replace('/', '--')}"
    try:
        folder = repository.expanduser() / "snapshots" / (revision or "")
    except RuntimeError:  # no home
        return None
    return folder if revision and (folder / "model_index.json").is_file() else None


def components(folder: Path) -> dict[str, bool]:
    """Components of a diffusers folder by name: True when present, False when declared absent.

    Raises:
        FileNotFoundError: no model_index.json.
        ValueError: it is no JSON object.
    """
    return {
        name: where[0] is not None
        for name, where in read_index(folder).items()
        if not name.startswith("_") and isinstance(where, list) and where
    }


def read_index(folder: Path) -> dict[str, Any]:
    """The `model_index.json` of a diffusers folder. Raises as `components`."""
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    if not isinstance(index, dict):
        raise ValueError(f"{folder / 'model_index.json'} is no JSON object")
    return index


def component_libraries(folder: Path) -> dict[str, str]:
    """The library of each present component, such as `diffusers`. Raises as `components`."""
    index = read_index(folder)
    return {name: index[name][0] for name, present in components(folder).items() if present}


def absent_components(folder: Path) -> list[str]:
    """Components a pipeline takes that the folder declares absent."""
    return [name for name, present in components(folder).items() if not present]


def foreign_code(folder: Path) -> list[str]:
    """Parts of a diffusers folder that only code of its own could load; they are refused."""
    try:
        index = read_index(folder)
    except (OSError, ValueError):
        return []  # `broken_files` tells
    custom = [] if isinstance(index.get("_class_name"), str) else ["_class_name"]
    return custom + [
        name
        for name, where in index.items()
        if isinstance(where, list)
        and where
        and (part_folder(folder, name) / f"{where[0]}.py").is_file()
    ]


def folder_fingerprint(folder: Path, variant: str | None = None) -> str:
    """SHA-256 over the names and contents of the files of a folder that can be loaded.

    Notes, pictures, download metadata and weights of another format or variant are left out:
    they change no pixel, and two machines may have different ones.
    Files are hashed again only when their size or modification time changed in this process.

    Args:
        folder: of weights.
        variant: the weight files that are preferred, such as `fp16`.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"weights folder {folder} does not exist")
    digest = hashlib.sha256()
    for name, path in sorted(loadable_files(folder, variant)):
        digest.update(name.as_posix().encode() + b"\0")
        digest.update(file_sha256(path).encode())
    return digest.hexdigest()


def folder_contents(folder: Path, variant: str | None = None) -> dict[str, Any]:
    """What the files of a weights folder hold, to tell what changed: settings, else a short hash.

    Arguments and errors as of `folder_fingerprint`, which is the hash of the same files.
    """
    return {
        name.as_posix(): _settings(file) or f"content {file_sha256(file)[:12]}"
        for name, file in sorted(loadable_files(folder, variant))
    }


def _settings(path: Path) -> dict[str, Any] | None:
    """Those of a small JSON file; None for all others."""
    if path.suffix != ".json" or path.stat().st_size > _LARGEST_SETTINGS:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def loadable_files(folder: Path, variant: str | None = None) -> Iterator[tuple[Path, Path]]:
    """`(name in the folder, file)` of the files that loading weights may read.

    Of a diffusers folder: `model_index.json`, and what lies in its components' folders, also in
    those that it shares.
    """
    try:
        parts = [name for name, present in components(folder).items() if present]
    except (OSError, ValueError):
        yield from _files_below(folder, variant)  # a network of one file, or `check` has words
        return
    yield Path("model_index.json"), folder / "model_index.json"
    for part in parts:
        for name, path in _files_below(part_folder(folder, part), variant):
            yield part / name, path


def _files_below(folder: Path, variant: str | None) -> Iterator[tuple[Path, Path]]:
    # Not `rglob`: models share parts through linked folders, and those it does not enter.
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [f for f in folders if not f.startswith((".", "__"))]
        for name in of_variant([name for name in names if not never_loaded(name)], variant):
            yield Path(parent, name).relative_to(folder), Path(parent, name)


#: Endings of notes, pictures, other frameworks' weights, and pickles, which are never loaded.
_NEVER = (
    ".md", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".pdf", ".bin", ".pt", ".pth", ".ckpt", ".h5",
    ".msgpack", ".onnx", ".onnx_data", ".pb", ".ot", ".gguf", ".lock", ".tmp", ".incomplete",
    ".metadata", "~", ".bak", ".orig", ".swp",
)  # fmt: skip
_NOTES = ("readme", "license", "licence", "notice", "thumbs.db", "desktop.ini", "icon\r")
_SHARD = r"(?:-\d+-of-\d+)?"
_NETWORK = r"^(?:diffusion_pytorch_)?model"
_VARIANT = re.compile(
    rf"{_NETWORK}{_SHARD}\.(?P<variant>[\w-]+?){_SHARD}\.safetensors$"
    rf"|{_NETWORK}\.safetensors\.index\.(?P<of_index>\w+)\.json$"
)


def never_loaded(name: str) -> bool:
    """Whether a file of this name is left alone by all that load weights."""
    low = name.lower()
    return low.startswith((".", *_NOTES)) or low.endswith(_NEVER)


def of_variant(names: Sequence[str], variant: str | None) -> list[str]:
    """Without the weight files that another variant of the component has."""
    found = {name: _variant(name) for name in names}
    weights = {n for n in names if ".safetensors" in n}
    wanted = {n for n in weights if found[n] == variant}
    if variant is not None and not wanted:  # a component without the variant has its plain files
        wanted = {n for n in weights if found[n] is None}
    return [n for n in names if n not in weights or n in wanted or not wanted]


def _variant(name: str) -> str | None:
    match = _VARIANT.match(name)
    return (match["variant"] or match["of_index"]) if match else None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, taken again only when its size or modification time changed.

    Raises:
        FileNotFoundError: there is no such file.
    """
    stat = path.stat()
    return _file_sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _file_sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
