"""Model documents with `backend: folder`: images that were made elsewhere."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from imgassets.documents.field_facets import Facet
from imgassets.documents.hosted import Pixels
from imgassets.documents.model_document import ModelDocument
from imgassets.documents.price import Price
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network


class FolderModel(ModelDocument):
    """A `contracts/models/NAME.yaml` document with `backend: folder`."""

    once_only = True
    edit: ClassVar[Literal["by the manifest"]] = "by the manifest"
    stylize: ClassVar[Literal["by the manifest"]] = "by the manifest"

    backend: Annotated[Literal["folder"], Facet.PIXELS]
    images: Annotated[str, Facet.PIXELS | Facet.BY_CONTENT] = Field(
        min_length=1,
        description="The folder, from the project root: `PROMPT_ID/SEED.png`, GenEval's layout, "
        "or with a manifest.",
    )
    manifest: Annotated[str | None, Facet.PIXELS | Facet.BY_CONTENT] = Field(
        None,
        description="A CSV or JSON lines file in that folder with file, prompt_id, seed and, "
        "where known, flow, source, seconds, usd; absent: `manifest.csv` or `manifest.jsonl` "
        "where there is one.",
    )
    size: Annotated[tuple[Pixels, Pixels] | None, Facet.PIXELS] = Field(
        None,
        description="`[width, height]` of the files, then scaled (Lanczos) to what the endpoint "
        "returns; absent: the endpoint's own size.",
    )
    upscaler: Annotated[
        Lanczos | Network | DiffusionUpscaler | None, Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW
    ] = Field(None, discriminator="kind", description="One of ours, run on these images.")
    price: Annotated[Price, Facet.PRICE] = Field(
        description="What one image costs, where the manifest has no `usd` of it."
    )

    @property
    def batch_size(self) -> int:
        """Images read at once."""
        return 32

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size of the files, for images of `size`."""
        return self.size or size

    def size_problem(self, size: tuple[int, int]) -> tuple[str, str] | None:
        """See `ModelDocument`."""
        width, height = self.size_for(size)
        if width * size[1] == height * size[0]:
            return None
        return (
            f"{width}x{height} cannot be scaled to {size[0]}x{size[1]} without distortion",
            "set `size` to one of the same shape, or change what the endpoint returns",
        )
