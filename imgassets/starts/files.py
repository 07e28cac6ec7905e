"""The files of each start, and how they are written: all of them, or none and nothing changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath

import yaml

from imgassets.documents.schemas import FOLDERS, editor_line, schema_texts

_HERE = Path(__file__).parent
#: In a wheel the demo lies here; in a checkout it is the checkout's own project.
_DEMO = _HERE / "demo" if (_HERE / "demo").is_dir() else _HERE.parents[1]
_EXAMPLES = "contracts/models/examples"
SCHEMAS = "schemas"


class Start(StrEnum):
    """What a project can start from."""

    DEMO = "demo"
    FOLDERS = "folders"
    DIFFUSERS = "diffusers"
    OPENAI = "openai"
    COMFYUI = "comfyui"


class TakenError(FileExistsError):
    """Files that are there already. Nothing was written."""

    def __init__(self, folder: Path, taken: list[PurePosixPath]) -> None:
        names = "\n".join(f"  {path}" for path in taken)
        super().__init__(
            f"nothing was written: {folder} already has\n{names}\n"
            "name another folder, or move these away"
        )


def write_start(start: Start, folder: Path) -> list[PurePosixPath]:
    """Write a project into a folder; returns its files, as named in there.

    Raises:
        TakenError: one of its files is there; nothing is written then.
    """
    files = files_of(start)
    # `lexists`: a link to nothing is something that is there.
    if taken := [path for path in files if os.path.lexists(folder / path)]:
        raise TakenError(folder, taken)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("xb") as file:
            file.write(content)
    return list(files)


def files_of(start: Start) -> Mapping[PurePosixPath, bytes]:
    """All files of a start by their names in the project, documents with their editor's line."""
    texts = {path: file.read_bytes() for path, file in sorted(_sources(start))}
    if start is Start.FOLDERS:
        from imgassets.starts.drawn_images import drawn_images  # brings numpy and Pillow

        texts |= dict(drawn_images())
    written = {path: _with_line(path, content) for path, content in texts.items()}
    for name, text in schema_texts().items():
        written[PurePosixPath(SCHEMAS, name)] = text.encode()
    return written


def _sources(start: Start) -> Iterator[tuple[PurePosixPath, Path]]:
    if start is Start.DEMO:
        for part in ("contracts", "prompts"):
            yield from _below(_DEMO, part)
    else:
        for path in sorted((_HERE / start).iterdir()):
            yield from _below(_HERE / start, path.name)
        if start in (Start.OPENAI, Start.COMFYUI):  # the same prompts serve any generator
            yield from _below(_HERE / Start.DIFFUSERS, "prompts")
        yield from _ready_models(str(start))


def _below(folder: Path, part: str) -> Iterator[tuple[PurePosixPath, Path]]:
    for path in sorted((folder / part).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield PurePosixPath(path.relative_to(folder).as_posix()), path


def _ready_models(backend: str) -> Iterator[tuple[PurePosixPath, Path]]:
    """Documents of well-known models that the same backend runs; they wait in `examples/`."""
    for name, path in _below(_DEMO, _EXAMPLES):
        if yaml.safe_load(path.read_text(encoding="utf-8")).get("backend") == backend:
            yield name, path


def _with_line(path: PurePosixPath, content: bytes) -> bytes:
    schema = next((FOLDERS[folder] for folder in FOLDERS if path.is_relative_to(folder)), None)
    if schema is None or path.suffix != ".yaml":
        return content
    up = "../" * (len(path.parts) - 1)
    return f"{editor_line(f'{up}{SCHEMAS}/{schema}')}\n".encode() + content
