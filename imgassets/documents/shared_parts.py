"""Parts that the weights of one model share with a folder beside it.

`tiny-turbo` is `tiny-base` with another transformer. Its `shared_parts.json` says so:
`{"folder": "tiny-base", "parts": ["vae", ...]}`. Links would say it too, but a checkout on Windows
makes text files of links, and a wheel holds what a link points at a second time.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

FILE = "shared_parts.json"


def part_folder(folder: Path, part: str) -> Path:
    """The folder of a part of a diffusers folder: its own, or the one it shares."""
    return shared_parts(folder).get(part, folder / part)


def shared_parts(folder: Path) -> dict[str, Path]:
    """The parts that lie in the folder beside it, by name; none where nothing says so.

    Raises:
        ValueError: the file says something else; nothing but a folder beside it can be named.
    """
    path = folder / FILE
    try:
        modified = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _read(path, modified)


@lru_cache(maxsize=64)
def _read(path: Path, _modified: int) -> dict[str, Path]:
    written = json.loads(path.read_text(encoding="utf-8"))
    try:
        beside, parts = written["folder"], list(written["parts"])
    except (KeyError, TypeError) as error:
        raise ValueError(f'{path} must be {{"folder": "NAME", "parts": [...]}}') from error
    for name in (beside, *parts):
        if not isinstance(name, str) or Path(name).name != name:
            raise ValueError(f"{path}: {name!r} must be the name of a folder, without a path")
    return {part: path.parent.parent / beside / part for part in parts}
