"""How a diffusers pipeline is loaded and run: what trades memory and speed, and may change pixels.

Defaults leave everything as diffusers has it. Every setting but `offload` can change a pixel, so
all but that one are part of the image key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet

#: A setting handed on as it is.
Value = float | int | bool | str | None
#: The package each quantization backend needs; it is not among our own dependencies.
QUANTIZERS = {
    "bitsandbytes_4bit": "bitsandbytes",
    "bitsandbytes_8bit": "bitsandbytes",
    "torchao": "torchao",
    "quanto": "optimum-quanto",
}
_RUNS_CODE = ("trust_remote_code", "custom_pipeline", "custom_revision")


class Quantization(Document):
    """Weights kept in fewer bits: a configuration of diffusers, handed on as it is."""

    backend: Annotated[
        Literal["bitsandbytes_4bit", "bitsandbytes_8bit", "torchao", "quanto"], Facet.PIXELS
    ] = Field(description="The library that does it; it must be installed.")
    components: Annotated[tuple[str, ...], Facet.PIXELS] = Field(
        min_length=1, description="Such as `transformer`."
    )
    settings: Annotated[dict[str, Value], Facet.PIXELS] = Field(
        min_length=1, description="Arguments of its config class, such as `load_in_4bit: true`."
    )

    @property
    def package(self) -> str:
        """The package on PyPI that does it."""
        return QUANTIZERS[self.backend]


class Compile(Document):
    """`torch.compile` of some components."""

    components: Annotated[tuple[str, ...], Facet.PIXELS] = Field(
        min_length=1, description="Such as `transformer`."
    )
    backend: Annotated[str, Facet.PIXELS | Facet.WHERE_SET] = Field(
        "inductor", description="A backend of torch.compile."
    )
    mode: Annotated[str | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None, description="Such as `max-autotune`."
    )
    fullgraph: Annotated[bool, Facet.PIXELS | Facet.WHERE_SET] = Field(
        False, description="Whether a break of the graph is an error."
    )
    dynamic: Annotated[bool | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None, description="Whether shapes may change; absent: torch decides."
    )


class Loading(Document):
    """The `loading` of a model document."""

    variant: Annotated[str | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None, description="Weight files to load, such as `fp16`."
    )
    quantization: Annotated[Quantization | None, Facet.PARTS] = Field(
        None, description="Weights in fewer bits; absent: as `dtype` says."
    )
    offload: Annotated[Literal["none", "model", "sequential"], Facet.NO_PIXEL] = Field(
        "none", description="Weights wait in main memory; saves GPU memory, changes no pixel."
    )
    vae_tiling: Annotated[bool, Facet.PIXELS | Facet.WHERE_SET] = Field(
        False, description="Decode in tiles; saves memory, may show seams."
    )
    vae_slicing: Annotated[bool, Facet.PIXELS | Facet.WHERE_SET] = Field(
        False, description="Decode one image at a time."
    )
    attention: Annotated[str | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None,
        pattern=r"^(math|flash|efficient|cudnn|diffusers:\w+)$",
        description="A kernel of torch, or `diffusers:NAME` for models that dispatch to others.",
    )
    compile: Annotated[Compile | None, Facet.PARTS] = Field(
        None, description="`torch.compile`; absent: none."
    )


def refuse_remote_code(document: Any) -> Any:
    """Refuse every setting that would run code from a weights folder, wherever it is written.

    Raises:
        FieldError: with the path of the setting.
    """
    for path in _paths(document):
        if path[-1] in _RUNS_CODE:
            raise FieldError(
                "code that comes with weights is never run",
                "remove it, and use a pipeline class of diffusers",
                *path,
            )
    return document


def _paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*above, str(key))
            yield from _paths(item, (*above, str(key)))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _paths(item, (*above, i))
