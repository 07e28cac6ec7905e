"""Which images are taken in from outside: the part of a contract that guards its inputs."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from imgassets.documents.base import Document
from imgassets.documents.field_facets import Facet

SourceFormat = Literal["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"]
SourceKind = Literal["grayscale", "palette", "cmyk", "16-bit"]
SOURCE_FORMATS: tuple[SourceFormat, ...] = get_args(SourceFormat)
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
#: Pixels of the largest image taken in where a contract does not say.
MAX_SOURCE_PIXELS = 64_000_000
#: Beyond it Pillow warns of a decompression bomb, whatever a contract says.
MOST_PIXELS = 89_478_485
HexColor = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class SourceRules(Document):
    """Which images are taken in from outside, and what is done to them."""

    source_formats: Annotated[tuple[SourceFormat, ...], Facet.REQUESTS] = Field(
        ("PNG",), min_length=1, description="Formats of images from outside, by content."
    )
    source_kinds: Annotated[tuple[SourceKind, ...], Facet.REQUESTS] = Field(
        SOURCE_KINDS,
        description="Pixels other than 8-bit RGB that are converted; others are refused.",
    )
    source_alpha: Annotated[Literal["refuse", "keep"] | HexColor, Facet.REQUESTS] = Field(
        "#ffffff",
        description="Transparent pixels: `refuse` them, `keep` alpha, or a color `#rrggbb` to "
        "flatten them on. Alpha that is opaque everywhere is dropped unless kept.",
    )
    max_source_pixels: Annotated[int, Facet.REQUESTS] = Field(
        MAX_SOURCE_PIXELS,
        ge=1,
        le=MOST_PIXELS,
        description="Width times height, checked before decoding.",
    )
    max_source_bytes: Annotated[int, Facet.REQUESTS] = Field(
        64 * 2**20, ge=1, le=2**30, description="Largest file, checked before reading."
    )
