"""All kinds of model documents, told apart by their `backend`: the only list of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast, get_args

from pydantic import ConfigDict

from imgassets.documents.base import Document
from imgassets.documents.comfyui import ComfyModel
from imgassets.documents.command import CommandModel
from imgassets.documents.field_facets import Facet
from imgassets.documents.folder import FolderModel
from imgassets.documents.gemini import GeminiModel
from imgassets.documents.ideogram import IdeogramModel, IdeogramUpscaler
from imgassets.documents.model import Model
from imgassets.documents.model_document import Pairing
from imgassets.documents.openai import OpenAIModel

#: All model documents.
AnyModel = (
    Model | IdeogramModel | GeminiModel | OpenAIModel | ComfyModel | CommandModel | FolderModel
)
#: By the one word that a class takes as its `backend`.
BY_BACKEND: dict[str, type[AnyModel]] = {
    get_args(kind.model_fields["backend"].annotation)[0]: kind for kind in get_args(AnyModel)
}


class _UnknownBackend(Document):
    """No other field is looked at: what they mean depends on the backend."""

    model_config = ConfigDict(extra="ignore")

    backend: Annotated[
        Literal[tuple(BY_BACKEND)],  # type: ignore[valid-type]
        Facet.PIXELS,
    ]


def model_class(data: Any) -> type[AnyModel]:
    """The document class a parsed model file asks for by its `backend`."""
    backend = data.get("backend") if isinstance(data, dict) else None
    if not isinstance(data, dict):
        return Model
    return BY_BACKEND.get(str(backend), cast("type[Model]", _UnknownBackend))


def upscales_by_api(model: AnyModel) -> bool:
    """Whether the provider enlarges the images, not a network or filter of ours."""
    return isinstance(model.upscaler, IdeogramUpscaler)


def pairing_of(*models: AnyModel) -> Pairing:
    """What models can be compared on: a seed is the same noise only where all are diffusers'."""
    return "noise" if all(m.shares_noise for m in models) else "prompt"
