"""The content-addressed store: an image lives under its image key, with the request beside it.

An entry has two parts, `image.png` and `record.json`, and is there whole or not at all, whatever
kills the process (`storage.entries`). It is never overwritten: the first image made for a key stays
its original.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgassets.documents.environment import store_url
from imgassets.storage.entries import Entries, FolderEntries
from imgassets.storage.entries import StoreError as StoreError
from imgassets.storage.project_home import ProjectHome

if TYPE_CHECKING:  # a plan asks which images there are, and reads none
    import numpy as np
    from PIL import Image

    from imgassets.images.encoding import EncodedImage

_log = logging.getLogger(__name__)
_KEY = re.compile(r"^[0-9a-f]{64}$")
_IMAGE, _RECORD = "image.png", "record.json"


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

    def __init__(self, root: Path, entries: Entries | None = None, where: str = "") -> None:
        """
        Args:
            root: the store's folder.
            entries: where images are kept instead of in the folder.
            where: names the store in messages; its folder unless given.
        """
        self.root, self.where = root, where or str(root)
        self._folders = FolderEntries(root, _IMAGE, _RECORD)
        self.entries: Entries = entries or self._folders

    def path(self, key: str) -> Path:
        """Where an entry's image is, or would be, in the store's folder.

        Raises:
            ValueError: not an image key; nothing else may become a path.
        """
        return self._folders.folder(_checked(key)) / _IMAGE

    def has(self, key: str) -> bool:
        """Whether the entry is there (its bytes are checked when it is read)."""
        return self.entries.has(_checked(key))

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
            self.entries.put(
                _checked(key), {_IMAGE: png, _RECORD: json.dumps(vars(record)).encode()}
            )
        except OSError as error:
            raise StoreError(
                f"cannot write the image store {self.where}: {error.strerror or error}; free some "
                "space or make it writable, then run again: finished images are kept"
            ) from error
        return self.record(key)

    def record(self, key: str) -> Record:
        """What is known of a stored image.

        Raises:
            KeyError: no such entry.
            CorruptEntryError: the record cannot be read.
        """
        text = self.entries.read(_checked(key), _RECORD)
        try:
            return Record(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise CorruptEntryError(f"record of {key} in {self.where} cannot be read") from error

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
            png = self.entries.read(_checked(key), _IMAGE)
        except KeyError:
            png = b""
        if hashlib.sha256(png).hexdigest() != record.image_sha256:
            raise CorruptEntryError(
                f"image {key} in {self.where} is not what was stored; run again to make it anew"
            )
        return png

    def read(self, key: str) -> Image.Image:
        """The image itself, decoded. Raises as `read_bytes`."""
        from imgassets.images.encoding import decode_png

        return decode_png(self.read_bytes(key))

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
        """Whether the entry is there and was not touched since it was stored; see `seem_intact`."""
        return key in self.seem_intact([key])

    def seem_intact(self, keys: Collection[str]) -> set[str]:
        """Those of some keys whose entry is there and was not touched since; changes nothing.

        Reads no image unless the file times are not those of a write of this store, so planning
        stays quick. Bits that rot on the disk leave no such trace: `read_bytes` finds those. Ask
        for many at once: where the store is far away, that takes no longer than one.
        """
        found = self.entries.look([_checked(key) for key in keys])
        return {key for key, sure in found.items() if sure or self._is_whole(key)}

    def _is_whole(self, key: str) -> bool:
        try:
            self._checked_bytes(key)
        except (OSError, KeyError, CorruptEntryError):
            return False
        return True

    def intact_among(self, keys: Collection[str]) -> set[str]:
        """Those of some keys whose entry is there and unharmed; harmed ones go to quarantine.

        Every image is read, but of a store that is far away: there the images are only known to be
        there, and checked whenever they are read.
        """
        if self.entries.near:
            return {key for key in keys if self.intact(key)}
        return self.seem_intact(keys)

    def present(self, keys: Collection[str]) -> set[str]:
        """Those of some keys that have an entry. Ask for many at once, as with `seem_intact`."""
        return set(self.entries.look([_checked(key) for key in keys]))

    def fetch_images(self, keys: Collection[str]) -> None:
        """Bring images near that will be read, many at once; nothing where they are near."""
        self.entries.fetch([_checked(key) for key in keys], _IMAGE)

    def fetch_records(self, keys: Collection[str]) -> None:
        """Bring records near that will be read, many at once; nothing where they are near."""
        self.entries.fetch([_checked(key) for key in keys], _RECORD)

    def at_source(self) -> ImageStore:
        """The same images, read without copies that this machine may have of them."""
        return ImageStore(self.root, self.entries.at_source(), self.where)

    def quarantine(self, key: str) -> str:
        """Move a harmed entry out of the way, keeping it for inspection; returns where it went.

        On a read-only disk it stays where it is.
        """
        target = self.entries.set_aside(_checked(key))
        if not self.has(key):
            _log.warning("image %s is not what was stored; moved to %s", key[:12], target)
        return target

    def keys(self) -> Iterator[str]:
        """All image keys, in no order worth relying on."""
        return (key for key in self.entries.all_keys() if _KEY.match(key))


def store_of(home: ProjectHome) -> ImageStore:
    """The images of a project: the one place that says where they are kept.

    Raises:
        PlaceError: $IMGASSETS_STORE, or a variable of the cache, cannot be used.
        StoreError: the place it names cannot be opened.
    """
    url = store_url()
    if url is None:
        return ImageStore(home.images)
    from imgassets.storage.object_entries import ObjectEntries

    return ImageStore(home.images, ObjectEntries.at(url, home.cache, _IMAGE, _RECORD), url)


def _checked(key: str) -> str:
    if not _KEY.match(key):
        raise ValueError(f"not an image key: {key!r}")
    return key
