"""The content-addressed store: an image lives under its image key, with the request beside it.

An entry has two parts, `image.png` and `record.json`, and is there whole or not at all, whatever
kills the process (`storage.entries`). It is never overwritten: the first image made for a key stays
its original.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgassets.storage.entries import Entries, FolderEntries
from imgassets.storage.project_home import ProjectHome

if TYPE_CHECKING:  # a plan asks which images there are, and reads none
    import numpy as np
    from PIL import Image

    from imgassets.images.encoding import EncodedImage

_log = logging.getLogger(__name__)
_KEY = re.compile(r"^[0-9a-f]{64}$")
_IMAGE, _RECORD = "image.png", "record.json"


class StoreError(RuntimeError):
    """The store cannot be written; names the folder and what to do."""


class CorruptEntryError(RuntimeError):
    """A stored image whose bytes are not those that were stored."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """What was measured while an image was made, and what made it.

    To measure something else, add it here; as a column, in `backends.image_rows` as well.

    Attributes:
        seconds: wall-clock seconds; those of a batch are shared evenly. None where nobody told
            them; records of an earlier version have 0 then.
        peak_memory_mib: highest memory in use while the batch ran (MiB; GPU memory on a GPU).
        batch_size: images in the batch.
        usd: what it cost, where that was told with it; else its model's price says it.
        made_with: what really ran (classes, dtypes, all scheduler settings) as JSON values; never
            hashed, empty when unknown.
    """

    seconds: float | None = None
    peak_memory_mib: float = 0.0
    batch_size: int = 1
    usd: float | None = None
    made_with: dict[str, Any] = field(default_factory=dict)

    def making(self) -> dict[str, Any]:
        """These alone, by name."""
        return {part.name: getattr(self, part.name) for part in fields(Making)}


@dataclass(frozen=True)
class Record(Making):
    """What is known of a stored image.

    Attributes:
        image_key: the request's hash.
        request: the inputs that were hashed.
        image_sha256: hash of the PNG file.
        width, height, mode: of the image (pixels, Pillow mode).
        made_at: UTC, ISO 8601.
    """

    image_key: str
    request: dict[str, Any]
    image_sha256: str
    width: int
    height: int
    mode: str
    made_at: str


class ImageStore:
    """Images by key. Safe for several processes at once: whoever renames first wins."""

    def __init__(self, root: Path, entries: Entries | None = None) -> None:
        """
        Args:
            root: the store's folder.
            entries: where images are kept instead of in the folder.
        """
        self.root = root
        self._folders = FolderEntries(root, _IMAGE, _RECORD)
        self._entries: Entries = entries or self._folders

    def path(self, key: str) -> Path:
        """Where an entry's image is, or would be.

        Raises:
            ValueError: not an image key; nothing else may become a path.
        """
        return self._folders.folder(_checked(key)) / _IMAGE

    def has(self, key: str) -> bool:
        """Whether the entry is there (its bytes are checked when it is read)."""
        return self._entries.has(_checked(key))

    def put(
        self,
        key: str,
        image: Image.Image | EncodedImage,
        *,
        request: dict[str, Any],
        made_at: str,
        **making: Any,
    ) -> Record:
        """Store an image under its key; when it is already there, the stored one is kept.

        Args:
            key: the request's hash.
            image: RGB or RGBA, 8 bits a channel; or one that is encoded already.
            request: the inputs that were hashed.
            made_at: UTC, ISO 8601.
            making: the fields of `Making`.

        Raises:
            StoreError: the folder cannot be written (full disk, no permission).
        """
        from imgassets.images.encoding import encode_png

        png = encode_png(image)
        record = Record(
            key,
            request,
            hashlib.sha256(png).hexdigest(),
            image.width,
            image.height,
            image.mode,
            made_at,
            **making,
        )
        try:
            self._entries.put(
                _checked(key), {_IMAGE: png, _RECORD: json.dumps(vars(record)).encode()}
            )
        except OSError as error:
            raise StoreError(
                f"cannot write the image store {self.root}: {error.strerror or error}; free some "
                "space or make it writable, then run again: finished images are kept"
            ) from error
        return self.record(key)

    def record(self, key: str) -> Record:
        """What is known of a stored image.

        Raises:
            KeyError: no such entry.
            CorruptEntryError: the record cannot be read.
        """
        text = self._entries.read(_checked(key), _RECORD)
        try:
            return Record(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise CorruptEntryError(f"record of {key} in {self.root} cannot be read") from error

    def read_bytes(self, key: str) -> bytes:
        """The PNG file, checked against the hash it was stored with.

        Raises:
            KeyError: no such entry.
            CorruptEntryError: the bytes changed since they were stored; the entry is now in
                quarantine, so that the next run makes the image again.
        """
        try:
            return self._checked_bytes(key)
        except CorruptEntryError:
            self.quarantine(key)
            raise

    def _checked_bytes(self, key: str) -> bytes:
        record = self.record(key)
        try:
            png = self._entries.read(_checked(key), _IMAGE)
        except KeyError:
            png = b""
        if hashlib.sha256(png).hexdigest() != record.image_sha256:
            raise CorruptEntryError(
                f"image {key} in {self.root} is not what was stored; run again to make it anew"
            )
        return png

    def read(self, key: str) -> Image.Image:
        """The image itself, decoded. Raises as `read_bytes`."""
        from PIL import Image

        with Image.open(io.BytesIO(self.read_bytes(key))) as image:
            image.load()
            return image

    def read_array(self, key: str) -> np.ndarray:
        """The image as uint8 (H, W, 3), sRGB, 0..255. Raises as `read_bytes`."""
        import numpy as np

        return np.asarray(self.read(key).convert("RGB"))

    def intact(self, key: str) -> bool:
        """Whether the entry is there and unharmed; a harmed one is moved to quarantine."""
        try:
            self.read_bytes(key)
        except (KeyError, CorruptEntryError):
            return False
        return True

    def seems_intact(self, key: str) -> bool:
        """Whether the entry is there and was not touched since it was stored; changes nothing.

        Reads no image unless the file times are not those of a write of this store, so planning
        stays quick. Bits that rot on the disk leave no such trace: `read_bytes` finds those.
        """
        if self._entries.untouched(_checked(key)):
            return True
        try:
            self._checked_bytes(key)
        except (OSError, KeyError, CorruptEntryError):
            return False
        return True

    def quarantine(self, key: str) -> Path:
        """Move a harmed entry out of the way, keeping it for inspection; returns where it went.

        On a read-only disk it stays where it is.
        """
        target = self._entries.set_aside(_checked(key))
        if not self.has(key):
            _log.warning("image %s is not what was stored; moved to %s", key[:12], target)
        return Path(target)

    def keys(self) -> Iterator[str]:
        """All image keys, in no order worth relying on."""
        return (key for key in self._entries.all_keys() if _KEY.match(key))


def store_of(home: ProjectHome) -> ImageStore:
    """The images of a project: the one place that says where they are kept."""
    return ImageStore(home.images)


def _checked(key: str) -> str:
    if not _KEY.match(key):
        raise ValueError(f"not an image key: {key!r}")
    return key
