"""Which file of a folder is the image of which request: by a manifest, or by the files' names.

Only names and manifests are read here; what is in a file, and whether it is safe to decode, is
looked at when the image is taken in (`backends.folder`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imgassets.documents.base import fingerprint
from imgassets.documents.folder import FolderModel
from imgassets.documents.json_lines import parsed
from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.text_files import read_text, refused
from imgassets.documents.weights import file_sha256
from imgassets.flows import FIRST, FlowName

MANIFESTS = ("manifest.csv", "manifest.jsonl")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_MOST_BYTES = 200 * 2**20


class Place(NamedTuple):
    """Which request an image belongs to."""

    flow: FlowName
    prompt_id: str
    seed: int


class Entry(BaseModel):
    """One line of a manifest. Unknown columns are left alone: others have uses for them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str = Field(min_length=1)
    prompt_id: str = Field(min_length=1)
    seed: Annotated[int, Field(ge=0)]
    flow: FlowName = FIRST
    source: str | None = None
    prompt: str | None = None
    seconds: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = None
    usd: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = None


@dataclass(frozen=True)
class ImageFolder:
    """The files of a folder, by what they are of.

    Attributes:
        root: the folder.
        entries: what is said of each image.
    """

    root: Path
    entries: dict[Place, Entry] = field(default_factory=dict)

    def path(self, place: Place) -> Path | None:
        """The file of an image; None where there is none."""
        entry = self.entries.get(place)
        path = None if entry is None else self.root / entry.file
        return path if path is not None and path.is_file() else None

    def sha256(self, place: Place) -> str | None:
        """SHA-256 of the file of an image; None where there is none."""
        path = self.path(place)
        return None if path is None else file_sha256(path)

    def version(self) -> str:
        """SHA-256 of which image each request has, and what is said of it."""
        return fingerprint(
            [[*place, self.sha256(place), e.seconds, e.usd] for place, e in self.entries.items()]
        )


def folder_of(root: Path, model: FolderModel) -> ImageFolder:
    """The images that a model document names.

    Args:
        root: the project's.
        model: its document.

    Raises:
        FileNotFoundError: no such folder.
        InvalidDocumentsError: the manifest cannot be used, with every bad line.
    """
    folder = (root / Path(model.images).expanduser()).resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"image folder {folder} does not exist")
    return read_image_folder(folder, model.manifest)


def read_image_folder(folder: Path, manifest: str | None = None) -> ImageFolder:
    """The images of a folder. Raises as `folder_of`."""
    names = [manifest] if manifest else [n for n in MANIFESTS if (folder / n).is_file()]
    if names:
        return ImageFolder(folder, _read_manifest(folder, folder / names[0]))
    return ImageFolder(folder, dict(sorted(_by_name(folder))))


def _by_name(folder: Path) -> Iterator[tuple[Place, Entry]]:
    """`PROMPT_ID/SEED.png` and GenEval's `PROMPT_ID/samples/SEED.png`."""
    for holder in sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != "."):
        samples = holder / "samples"
        for path in sorted((samples if samples.is_dir() else holder).iterdir()):
            if path.suffix.lower() in _SUFFIXES and path.stem.isdecimal():
                place = Place(FIRST, holder.name, int(path.stem))
                name = path.relative_to(folder).as_posix()
                yield place, Entry(file=name, prompt_id=place.prompt_id, seed=place.seed)


def _read_manifest(folder: Path, path: Path) -> dict[Place, Entry]:
    problems: list[Problem] = []
    found: dict[Place, tuple[int, Entry]] = {}
    for line, row in _rows(path):
        try:
            entry = Entry.model_validate({k: v for k, v in row.items() if v not in ("", None)})
        except ValidationError as error:
            problems += [_problem(path, line, e) for e in error.errors()]
            continue
        problems += _place_problems(folder, path, line, entry)
        place = Place(entry.flow, entry.prompt_id, entry.seed)
        if place in found:
            problems.append(
                Problem(
                    str(path),
                    line,
                    "file",
                    f"prompt {entry.prompt_id!r}, seed {entry.seed}, flow {entry.flow} has an "
                    f"image already in line {found[place][0]}",
                    "keep one of the two lines",
                )
            )
        found.setdefault(place, (line, entry))
    problems += _source_problems(path, found)
    if problems:
        raise InvalidDocumentsError(problems)
    return {place: entry for place, (_, entry) in sorted(found.items())}


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """`(1-based line, row)` of a CSV or JSON lines file."""
    text = read_text(path, "a manifest", _WANTED, _MOST_BYTES)
    if not text.lstrip().startswith("{"):
        reader = csv.DictReader(io.StringIO(text))
        missing = {"file", "prompt_id", "seed"} - set(reader.fieldnames or ())
        if missing:
            raise refused(path, f"no column {', '.join(sorted(missing))}", _WANTED)
        try:
            for row in reader:
                yield reader.line_num, {k: v for k, v in row.items() if isinstance(k, str)}
        except csv.Error as error:
            raise refused(path, f"not CSV: {error}", _WANTED, reader.line_num + 1) from error
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row = parsed(line)
        if not isinstance(row, dict):
            raise refused(path, "not a JSON object", _WANTED, number)
        yield number, row


_WANTED = "begin with `file,prompt_id,seed` (CSV), or write one JSON object with these a line"


def _problem(path: Path, line: int, error: Any) -> Problem:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return Problem(str(path), line, where, "is missing", f"add `{where}` to this line")
    message = str(error["msg"]).replace("Input should be", "must be").replace("Input", "it")
    return Problem(str(path), line, where, f"{message}, not {error['input']!r}", "correct it")


def _place_problems(folder: Path, path: Path, line: int, entry: Entry) -> Iterator[Problem]:
    """A file outside the folder is refused: what was handed over is the folder."""
    for name, value in (("file", entry.file), ("source", entry.source)):
        if value is not None and not (folder / value).resolve().is_relative_to(folder):
            yield Problem(
                str(path), line, name, f"{value} is outside {folder}", "name a file inside it"
            )


def _source_problems(path: Path, found: dict[Place, tuple[int, Entry]]) -> Iterator[Problem]:
    for place, (line, entry) in found.items():
        first = found.get(Place(FIRST, place.prompt_id, place.seed))
        if entry.source is not None and (first is None or first[1].file != entry.source):
            held = first[1].file if first else "none"
            yield Problem(
                str(path),
                line,
                "source",
                f"starts from {entry.source}, but the {FIRST} image of prompt "
                f"{place.prompt_id!r} and seed {place.seed} is {held}",
                "list the source as that prompt's image, or drop `source`",
            )
