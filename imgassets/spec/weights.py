"""Weights: what names them, where they are, whether they are whole, and their hash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from imgassets.spec.base import Document, fingerprint

#: `package:NAME` means a model that ships inside imgassets.
PACKAGE_PREFIX = "package:"
#: `hub:OWNER/NAME` means a repository of the Hugging Face hub.
HUB_PREFIX = "hub:"
_EMBEDDED = Path(__file__).parent.parent / "tiny" / "weights"


class Weights(Document):
    """Weights by name: an embedded model, a folder, or a commit of a hub repository."""

    weights: str = Field(
        min_length=1,
        description="`package:NAME` for an embedded model, `hub:OWNER/NAME`, else a folder (from "
        "the project root).",
    )
    revision: str | None = Field(None, description="Full commit (40 hex digits) of hub weights.")

    @model_validator(mode="after")
    def _hub_weights_are_pinned(self) -> Self:
        name = hub_name(self.weights)
        if name is None:
            if self.revision is not None:
                raise ValueError("revision is for weights from the hub (`hub:OWNER/NAME`); drop it")
            return self
        ask = f"`git ls-remote https://huggingface.co/{name} {self.revision or 'HEAD'}` tells it"
        if self.revision is None:
            raise ValueError(f"add revision, the full commit of {name}: {ask}")
        if len(self.revision) != 40 or set(self.revision) - set("0123456789abcdef"):
            raise ValueError(
                f"revision {self.revision!r} is not a full commit of 40 hex digits; branches and "
                f"tags move, and with them the pixels: {ask}"
            )
        return self


def hub_name(weights: str) -> str | None:
    """`OWNER/NAME` of weights from the hub; None for folders."""
    return weights.removeprefix(HUB_PREFIX) if weights.startswith(HUB_PREFIX) else None


def weights_fingerprint(root: Path, weights: str, revision: str | None = None) -> str:
    """SHA-256 that stands for the content of weights; a hub commit stands for its own content.

    Raises:
        FileNotFoundError: a folder that is not there.
    """
    if hub_name(weights) is not None:
        return fingerprint({"weights": weights, "revision": revision})
    return folder_fingerprint(weights_folder(root, weights))


def weights_folder(root: Path, weights: str) -> Path:
    """The folder that `weights` names; relative ones start at the project root. Not for the hub."""
    if weights.startswith(PACKAGE_PREFIX):
        return _EMBEDDED / weights.removeprefix(PACKAGE_PREFIX)
    return (root / Path(weights).expanduser()).resolve()


def components(folder: Path) -> dict[str, bool]:
    """Components of a diffusers folder by name: True when present, False when declared absent.

    Raises:
        FileNotFoundError: no model_index.json.
        ValueError: it is not JSON.
    """
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    return {
        name: where[0] is not None
        for name, where in index.items()
        if not name.startswith("_") and isinstance(where, list) and where
    }


def component_libraries(folder: Path) -> dict[str, str]:
    """The library of each present component, such as `diffusers`. Raises as `components`."""
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    return {name: index[name][0] for name, present in components(folder).items() if present}


def absent_components(folder: Path) -> list[str]:
    """Components a pipeline takes that the folder declares absent."""
    return [name for name, present in components(folder).items() if not present]


def missing_files(folder: Path) -> list[str]:
    """What a diffusers folder lacks, as paths relative to it; empty when it is whole.

    Every component of `model_index.json` must be a folder with its config, and with safetensors
    weights when it is a network. Pickled weights (`.bin`, `.pt`) do not count: loading one runs
    whatever code is in it.
    """
    try:
        parts = components(folder)
    except FileNotFoundError:
        return ["model_index.json"]
    except ValueError:
        return ["model_index.json (not JSON)"]
    return [
        missing
        for name, present in parts.items()
        if present
        for missing in _missing_of_component(folder / name, name)
    ]


def _missing_of_component(folder: Path, name: str) -> list[str]:
    if not folder.is_dir():
        return [f"{name}/"]
    if not (folder / "config.json").is_file():
        return []  # schedulers and tokenizers have configs of other names and no weights
    index = next(folder.glob("*.safetensors.index.json"), None)
    if index is not None:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return [f"{name}/{shard}" for shard in sorted(shards) if not (folder / shard).is_file()]
    if any(folder.glob("*.safetensors")):
        return []
    pickled = sorted(p.name for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".ckpt"))
    refused = f" ({', '.join(pickled)} is refused: loading it runs code)" if pickled else ""
    return [f"{name}/*.safetensors{refused}"]


def foreign_code(folder: Path) -> list[str]:
    """Parts of a diffusers folder that only code of its own could load; they are refused."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []  # `missing_files` tells
    custom = [] if isinstance(index.get("_class_name"), str) else ["_class_name"]
    return custom + [
        name
        for name, where in index.items()
        if isinstance(where, list) and where and (folder / name / f"{where[0]}.py").is_file()
    ]


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of a folder.

    Files are hashed again only when their size or modification time changed in this process.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"weights folder {folder} does not exist")
    digest = hashlib.sha256()
    for path in sorted(_files(folder)):
        stat = path.stat()
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(_file_sha256(path, stat.st_size, stat.st_mtime_ns).encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    # Not `rglob`: models share parts through linked folders, and those it does not enter.
    for parent, _, names in os.walk(folder, followlinks=True):
        yield from (Path(parent) / name for name in names)


@lru_cache(maxsize=4096)
def _file_sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
