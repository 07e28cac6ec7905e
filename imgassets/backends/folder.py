"""Images that were made elsewhere, taken in through the same guard as any image from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from imgassets.backends.base import BackendError, Outcome
from imgassets.backends.hosted_image import scaled
from imgassets.documents.folder import FolderModel
from imgassets.documents.image_folder import Entry, ImageFolder, folder_of
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.images.errors import RefusedError
from imgassets.images.generator_notes import contradictions, read_notes
from imgassets.images.intake import read_file
from imgassets.images.normalize import normalize, opaque


class FolderBackend:
    """Reads images instead of making them; see `base.Backend`.

    A request names its file by the hash of its content, so a file that changed meanwhile is not
    taken for the one that was asked for.
    """

    def __init__(self, root: Path, model: FolderModel) -> None:
        """
        Args:
            root: the project's.
            model: its document.

        Raises:
            BackendError: the folder is missing, or its manifest cannot be used.
        """
        self._model = model
        try:
            self._folder: ImageFolder = folder_of(root, model)
        except (FileNotFoundError, InvalidDocumentsError) as error:
            raise BackendError(f"contracts/models/{model.model}.yaml: images: {error}") from error
        self._by_content: dict[str, list[Entry]] = {}
        for place, entry in self._folder.entries.items():
            self._by_content.setdefault(self._folder.sha256(place) or "", []).append(entry)

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """See `Backend`."""
        return [self._one(asked) for asked in inputs]

    def edit(
        self,
        inputs: Sequence[dict[str, Any]],
        sources: Sequence[Image.Image],  # noqa: ARG002 - it was started from elsewhere
    ) -> list[Outcome]:
        """See `Backend`."""
        return self.generate(inputs)

    stylize = edit

    def _one(self, asked: dict[str, Any]) -> Outcome:
        content = asked["file_sha256"]
        if content is None:
            return Outcome(failure="no_file", message=f"{self._model.images} has no image of it")
        entry = self._entry(content, asked)
        if entry is None:
            return Outcome(
                failure="no_file", message="the file changed while this ran; run it again"
            )
        try:
            data = read_file(self._folder.root / entry.file)
            image = opaque(normalize(data).image)
        except RefusedError as error:
            return Outcome(failure="unreadable", message=f"{entry.file}: {error}")
        width, height = asked["size"]
        wanted = self._model.size_for((width, height))
        if image.size != wanted:
            got = f"{image.width}x{image.height}"
            return Outcome(
                failure="wrong_size",
                message=f"{entry.file} is {got}, not {wanted[0]}x{wanted[1]}",
            )
        return Outcome(
            scaled(image, (width, height)),
            seconds=entry.seconds,
            usd=entry.usd,
            made_with=_made_with(entry, data),
        )

    def _entry(self, content: str, asked: dict[str, Any]) -> Entry | None:
        """What is said of the file; of two equal files, that of the seed that is asked for."""
        equal = self._by_content.get(content, [])
        return next((e for e in equal if e.seed == asked["seed"]), equal[0] if equal else None)


def _made_with(entry: Entry, data: bytes) -> dict[str, Any]:
    notes = read_notes(data)
    if notes is None:
        return {"file": entry.file}
    found = contradictions(notes, entry.seed, entry.prompt)
    return {"file": entry.file, "written_in_file": notes.to_dict()} | (
        {"contradicts": found} if found else {}
    )
