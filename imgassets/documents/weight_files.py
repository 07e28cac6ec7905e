"""Whether the files of a weights folder are what their names say, by their first bytes.

A safetensors file begins with the length of its header (8 bytes, little endian) and the header
(JSON: name, dtype, shape and place of each tensor), so a truncated file, or one that is something
else, is known without reading it all. No torch. Format: github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from imgassets.documents.shared_parts import part_folder
from imgassets.documents.weights import component_libraries, never_loaded, of_variant

#: Longest header that the format's own reader takes.
_MAX_HEADER = 100_000_000
_LFS = b"version https://git-lfs"
_AGAIN = "download it again"


def what_is_wrong(path: Path) -> str | None:
    """What keeps a file of a weights folder from being what its name says, and the fix.

    Safetensors and JSON are looked into; of others only that they are there and no stand-in.
    None for a file that looks right.
    """
    try:
        stat = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            return f"is a link to {path.readlink()}, which does not exist; {_AGAIN}"
        return f"is missing; {_AGAIN}"
    except OSError as error:
        return f"cannot be read ({error.strerror}); correct its permissions or links"
    return _wrong(path, stat.st_size, stat.st_mtime_ns)


def tensor_names(path: Path) -> frozenset[str]:
    """Names of the tensors of a safetensors file that looks right."""
    return frozenset(_header(path)) - {"__metadata__"}


@lru_cache(maxsize=4096)
def _wrong(path: Path, size: int, _mtime_ns: int) -> str | None:
    try:
        with path.open("rb") as file:
            start = file.read(512)
        stands_in = _stand_in(start, size)
        if stands_in:
            return stands_in
        if path.suffix == ".safetensors":
            return _wrong_safetensors(path, size)
        if path.suffix == ".json":
            return _wrong_json(path)
    except OSError as error:
        return f"cannot be read ({error.strerror}); correct its permissions"
    return None


def _stand_in(start: bytes, size: int) -> str | None:
    """What lies there instead of the file that was meant."""
    if size == 0:
        return f"is empty; {_AGAIN}"
    if start.startswith(_LFS):
        return "is a pointer of Git LFS, not the file itself; run `git lfs pull` in the repository"
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return f"is a web page, not the file itself; {_AGAIN}, signed in where that is asked for"
    return None


def _wrong_safetensors(path: Path, size: int) -> str | None:
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x04")):
            return "is a pickle of PyTorch under another name; convert it to safetensors"
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > _MAX_HEADER:
            return f"is no safetensors file; {_AGAIN}"
        if 8 + length > size:
            return f"is cut off in its header, at {size:,} bytes; {_AGAIN}"
    try:
        ends = [t["data_offsets"][1] for n, t in _header(path).items() if n != "__metadata__"]
        whole = 8 + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return f"has a broken header; {_AGAIN}"
    if size < whole:
        return f"is cut off: {size:,} of {whole:,} bytes; {_AGAIN}"
    if size > whole:
        return f"has {size - whole:,} bytes too many; {_AGAIN}"
    return None if ends else f"holds no tensors; {_AGAIN}"


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("no object")
    return header


def _wrong_json(path: Path) -> str | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return f"is not JSON; {_AGAIN}"
    return None if isinstance(content, (dict, list)) else f"holds no settings; {_AGAIN}"


# ---- shards --------------------------------------------------------------------------------


def shard_problems(index: Path) -> Iterator[tuple[Path, str]]:
    """Shards of a sharded network that are missing or lack tensors, each with what is wrong.

    Args:
        index: a `*.safetensors.index.json`.
    """
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        shards: dict[str, set[str]] = {}
        for tensor, shard in places.items():
            shards.setdefault(shard, set()).add(tensor)
    except (ValueError, KeyError, TypeError, AttributeError):
        yield index, f"names no shards; {_AGAIN}"
        return
    for shard, tensors in sorted(shards.items()):
        path = index.parent / shard
        wrong = what_is_wrong(path)
        if wrong:
            yield path, wrong
        elif lost := sorted(tensors - tensor_names(path)):
            yield (
                path,
                f"lacks {len(lost)} tensors that {index.name} places there ({lost[0]}); {_AGAIN}",
            )


# ---- folders -------------------------------------------------------------------------------


def broken_files(folder: Path, variant: str | None = None) -> list[str]:
    """What is wrong with a diffusers folder, as sentences that begin with a path; empty if whole.

    Every component of `model_index.json` must be a folder with its config, and with safetensors
    weights when it is a network. Pickled weights (`.bin`, `.pt`) do not count: loading one runs
    whatever code is in it.

    Args:
        folder: of weights; a file is told to be none.
        variant: the weight files that are preferred, such as `fp16`.
    """
    index = folder / "model_index.json"
    wrong = what_is_wrong(index)
    if folder.is_file():
        kind = "a single-file checkpoint" if folder.suffix in _CHECKPOINTS else "a file"
        return [f"{folder} is {kind}, not a folder; {_CONVERT}"]
    if wrong:
        loose = [p.name for p in sorted(folder.iterdir()) if p.suffix in _CHECKPOINTS]
        if loose and not index.is_file():
            held = f"a single-file checkpoint ({loose[0]}), and no model_index.json"
            return [f"{folder} holds {held}; {_CONVERT}"]
        return [f"{index} {wrong}"]
    try:
        libraries = component_libraries(folder)
    except ValueError:
        return [f"{index} names no components; {_AGAIN}"]
    if not libraries:
        return [f"{index} names no components; {_AGAIN}"]
    found = [
        f"{path} {wrong}"
        for name, library in libraries.items()
        for path, wrong in _component_problems(part_folder(folder, name), library, variant)
    ]
    return list(dict.fromkeys(found))


def broken_network(folder: Path) -> list[str]:
    """What is wrong with the folder of a network of one safetensors file, as `broken_files`."""
    if folder.is_file():
        return [f"{folder} is a file, not a folder; name the folder that holds it, alone"]
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if len(files) > 1:
        return [f"{folder} holds {len(files)} safetensors files; leave one in it"]
    return [f"{path} {wrong}" for path in files if (wrong := what_is_wrong(path))]


_CHECKPOINTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
_CONVERT = (
    "save it as a diffusers folder first (`from_single_file(...).save_pretrained(FOLDER)` of the "
    "pipeline's class)"
)
#: Names that each library's networks are loaded from.
_NAMES = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}


def _component_problems(
    folder: Path, library: str, variant: str | None
) -> Iterator[tuple[Path, str]]:
    if not folder.is_dir():
        lost = "is missing"
        if folder.is_symlink():
            lost = f"is a link to {folder.readlink()}, which does not exist"
        yield folder, f"{lost}; {_AGAIN}"
        return
    files = [p for p in sorted(folder.iterdir()) if p.is_file() or p.is_symlink()]
    names = of_variant([p.name for p in files if not never_loaded(p.name)], variant)
    for name in names:
        wrong = what_is_wrong(folder / name)
        if wrong:
            yield folder / name, wrong
    if "config.json" not in names:
        return  # schedulers and tokenizers have configs of other names and no weights
    sharded = [n for n in names if ".safetensors.index" in n]
    for name in sharded:
        yield from shard_problems(folder / name)
    weights = [n for n in names if n.endswith(".safetensors")]
    expected = _NAMES.get(library)
    if sharded or (weights and (not expected or any(n.startswith(expected) for n in weights))):
        return
    if weights:
        yield folder / weights[0], f"would not be loaded; call it {expected}.safetensors"
        return
    pickled = [p.name for p in files if p.suffix in _CHECKPOINTS]
    refused = f" ({', '.join(pickled)} is refused: loading it runs code)" if pickled else ""
    yield (
        folder / f"{expected or '*'}.safetensors",
        f"is missing{refused}; {_AGAIN}, in safetensors format",
    )
