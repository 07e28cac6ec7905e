"""Model documents with `backend: command`: any program that writes an image file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from imgassets.documents.base import Document
from imgassets.documents.field_facets import Facet
from imgassets.documents.model_document import ModelDocument
from imgassets.documents.pipeline_options import Value
from imgassets.documents.price import Price
from imgassets.documents.units import Seconds
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network
from imgassets.documents.weights import file_sha256


class CommandFlow(Document):
    """That the program can start from an image, and what it is told besides."""

    parameters: Annotated[dict[str, Value], Facet.PIXELS] = Field(
        default_factory=dict,
        description="Handed to the program as `parameters` of its request, such as a strength.",
    )


class CommandModel(ModelDocument):
    """A `contracts/models/NAME.yaml` document with `backend: command`."""

    batch_size: ClassVar[int] = 1

    backend: Annotated[Literal["command"], Facet.PIXELS] = Field(
        description="A program of yours makes the images."
    )
    command: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Facet.PIXELS] = Field(
        min_length=1,
        description="The program and its arguments, as a list; no shell reads it. It is started "
        "in the project's root, once an image.",
    )
    files: Annotated[tuple[str, ...], Facet.PIXELS | Facet.BY_CONTENT] = Field(
        (),
        description="Files the images depend on (the program itself, weights, a workflow), from "
        "the project's root; another content makes new images.",
    )
    timeout_seconds: Annotated[Seconds, Facet.LIMITS] = Field(
        300, gt=0, le=86_400, description="Longest time for one image; then it is ended."
    )
    edit: Annotated[CommandFlow | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when the program cannot edit; `{}` when it can."
    )
    stylize: Annotated[CommandFlow | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it cannot stylize."
    )
    upscaler: Annotated[
        Lanczos | Network | DiffusionUpscaler | None, Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW
    ] = Field(None, discriminator="kind", description="One of ours; absent: nothing is upscaled.")
    price: Annotated[Price, Facet.PRICE] = Field(description="What running it costs.")

    def contents(self, root: Path) -> list[str]:
        """SHA-256 of each of `files`, sorted: a new name alone changes nothing.

        Raises:
            FileNotFoundError: one is missing.
        """
        return sorted(file_sha256(root / name) for name in self.files)
