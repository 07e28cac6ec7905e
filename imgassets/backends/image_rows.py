"""A row of an image table: its columns, what they mean, and where their values come from.

To add a column: add a field here. Fields before `status` are filled from the attribute of their
name of the request, fields with a default from that of the stored image's record
(`storage.image_store.Record`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, get_args, get_type_hints

from imgassets.storage.image_store import Making

#: Status of an image that is there; any other status is a failure mode.
OK = "ok"


@dataclass(frozen=True)
class ImageRow:
    """One image that was asked for, and what became of it."""

    endpoint: Annotated[str, "who asks"]
    model: Annotated[str, "who is asked"]
    flow: Annotated[str, "how the image comes to be"]
    prompt_set: Annotated[str, "where the prompt is from"]
    prompt_id: Annotated[str, "the prompt, unique at the endpoint"]
    seed: Annotated[int, "of the starting noise, 0 to 2**64 - 1"]
    replicate: Annotated[int, "0, 1, ... where the same request is made again"]
    image_key: Annotated[str, "SHA-256 of everything that can change a pixel"]
    source_key: Annotated[str | None, "image key of the image it starts from"]
    status: Annotated[str, "ok, or a failure mode"]
    message: Annotated[str, "the failure in words"]
    image_sha256: Annotated[str | None, "SHA-256 of the stored file"] = None
    width: Annotated[int | None, "pixels"] = None
    height: Annotated[int | None, "pixels"] = None
    mode: Annotated[str | None, "RGB or RGBA"] = None
    seconds: Annotated[float | None, "wall-clock seconds; those of a batch are shared"] = None
    peak_memory_mib: Annotated[float | None, "highest memory in use meanwhile, MiB"] = None
    batch_size: Annotated[int | None, "images made at once"] = None
    usd: Annotated[float | None, "what it cost, where a manifest says it"] = None

    @classmethod
    def columns(cls) -> dict[str, str]:
        """What each column means, in the order of the table."""
        hints = get_type_hints(cls, include_extras=True)
        return {name: get_args(hint)[1] for name, hint in hints.items()}

    def cells(self) -> dict[str, Any]:
        """The row; a failed image leaves out what only an image has."""
        failed = self.status != OK
        return {
            name: value
            for name, value in asdict(self).items()
            if not (failed and name in RECORD_COLUMNS)
        }


_NAMES = [field.name for field in fields(ImageRow)]
#: Columns that a request fills.
REQUEST_COLUMNS = tuple(_NAMES[: _NAMES.index("status")])
#: Columns that the stored image's record fills; a failed image has none of them.
RECORD_COLUMNS = tuple(field.name for field in fields(ImageRow) if field.default is None)
#: Columns that differ whenever an image is made: no part of what a table says.
MAKING_COLUMNS = tuple(field.name for field in fields(Making) if field.name in _NAMES)
