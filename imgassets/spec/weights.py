"""Weight folders: where they are, whether they are whole, and the hash of what is in them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

#: `package:NAME` means a model that ships inside imgassets.
PACKAGE_PREFIX = "package:"
_EMBEDDED = Path(__file__).parent.parent / "tiny" / "weights"


def weights_folder(root: Path, weights: str) -> Path:
    """The folder a model document's `weights` names; relative ones start at the project root."""
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
    return [] if any(folder.glob("*.safetensors")) else [f"{name}/*.safetensors"]


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
