"""What all documents share: strictness, names, and the hash of their meaning."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema

from imgassets.documents.field_facets import Facet
from imgassets.documents.scalars import exact_scalars

#: Names become file names, asset keys and URL parts, so they stay within one small alphabet.
#: No underscore: Dagster turns hyphens into one, and two names must not become the same.
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, StringConstraints(pattern=NAME, min_length=1, max_length=64)]


class Document(BaseModel):
    """A part of a document people write. Unknown fields are errors; instances are immutable."""

    #: The part of the graph of fields that name none, for documents that are a file.
    main_facet: ClassVar[Facet] = Facet(0)

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        str_strip_whitespace=False,
        allow_inf_nan=False,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return exact_scalars(handler(source))


#: Kept, since `json.dumps` would make one for each of thousands of requests.
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Any) -> str:
    """One spelling for one meaning: sorted keys, no white space, no NaN.

    Raises:
        ValueError: for NaN or infinity, which have no JSON spelling.
    """
    return _CANONICAL.encode(value)


def fingerprint(value: Any) -> str:
    """SHA-256 (64 hex digits) of a value's canonical JSON; pydantic models are dumped first."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
