"""What model documents of every backend have in common.

To add a backend: a document here in `documents/` with its own `backend`, named in
`documents.models`, and one file in `backends/`, opened by `backends.registry`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from imgassets.documents.base import Document, Name
from imgassets.documents.field_facets import Facet
from imgassets.documents.seeds import MOST

#: Whether the same request gives the same picture: `seeded` as far as the provider documents it.
Reproducibility = Literal["seeded", "none"]
#: What two models' images of one prompt have in common: the noise they start from, or nothing more.
Pairing = Literal["noise", "prompt"]


class ModelDocument(Document):
    """A `contracts/models/NAME.yaml` document; its `backend` says of which kind."""

    main_facet = Facet.GENERATOR
    #: Whether each request costs money or cannot be made again at all, so that nothing is made a
    #: second time only to see whether it comes out the same.
    once_only: ClassVar[bool] = False
    #: Whether a seed is the noise that diffusers' pipelines start from, the same for all models.
    shares_noise: ClassVar[bool] = False
    #: Largest seed it takes.
    most_seed: ClassVar[int] = MOST

    model: Annotated[Name, Facet.NO_PIXEL] = Field(
        description="The model's name; the file is called the same."
    )
    description: Annotated[str, Facet.NOTHING] = Field(
        "", description="For people; nothing reads it."
    )

    def size_problem(self, size: tuple[int, int]) -> tuple[str, str] | None:  # noqa: ARG002
        """Why it cannot return images of a size, and the fix; None when it can, or is unknown.

        Arguments: `size` is width and height in pixels.
        """
        return None
