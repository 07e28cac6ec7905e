"""What a field of a document changes, said once and at the field: `Annotated[int, Facet.PIXELS]`.

Image keys (`documents.image_key`) and the parts of documents that the graph watches
(`documents.facets`) are read from here; no other module lists fields by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Flag, auto
from functools import reduce
from operator import or_
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Facet(Flag):
    """What a field changes. A field says one or several, joined by `|`.

    A field that names no part of the graph belongs to that of the field its document stands in;
    at the top of a file, to the `main_facet` of the document.
    """

    # Parts of the graph, in the order their assets are listed; `GRAPH` says what they are.
    REQUESTS = auto()
    CHAIN = auto()
    CRITERIA = auto()
    TRAFFIC = auto()
    PILOT = auto()
    GENERATOR = auto()
    UPSCALER = auto()
    PRICE = auto()
    LIMITS = auto()
    PROMPTS = auto()
    COMPOSITION = auto()
    TYPOGRAPHY = auto()
    ALIGNMENT = auto()
    FACES = auto()
    MEASURES = auto()
    ROLLOUT = auto()

    # What it means for the image key:
    PIXELS = auto()  #: can change a pixel, so it is part of the image key
    NO_PIXEL = auto()  #: changes no pixel
    #: Prose and labels: no part of the graph depends on it. So are names of documents that assets
    #: depend on, each by itself.
    NOTHING = auto()
    PARTS = auto()  #: holds documents of its own: as their fields say

    # How it enters the image key:
    WHERE_SET = auto()  #: came later: only where it differs from its default, so old keys hold
    BY_CONTENT = auto()  #: names a file: the hash of the content stands in its place
    ONE_FLOW = auto()  #: only in keys of the flow it is for; `imgassets.requests` puts it there


#: The parts of the graph, each with what it decides. One asset for each, of each document.
GRAPH = {
    Facet.REQUESTS: "What the endpoint accepts, returns and asks for; decides which images exist.",
    Facet.CHAIN: "What is done to generated images: style, post-processing, what starts from what.",
    Facet.CRITERIA: "What must hold, against whom; decides verdicts, never images.",
    Facet.TRAFFIC: "How often the endpoint is called; decides waiting times and bills in reports.",
    Facet.PILOT: "Traffic that a served model is put under, and what must hold; decides pilots.",
    Facet.GENERATOR: "Weights, pipeline, scheduler and sampling; decides generated and edited "
    "images.",
    Facet.UPSCALER: "How images are made larger; decides upscaled images alone.",
    Facet.PRICE: "What running the model costs; decides cost tables.",
    Facet.LIMITS: "Budget, rate and patience of a hosted model; decide which failures are tried "
    "again.",
    Facet.PROMPTS: "Texts after their transforms, and edits; decides which images exist.",
    Facet.COMPOSITION: "Objects each image must show; decides composition tables.",
    Facet.TYPOGRAPHY: "Text each image must show; decides typography tables.",
    Facet.ALIGNMENT: "Prompts as written, and what each image must show; decides alignment tables.",
    Facet.FACES: "How many faces each image must show; decides tables of faces.",
    Facet.MEASURES: "Kind, weights, thresholds and questions of a judge; decides the scores it "
    "gives.",
    Facet.ROLLOUT: "Stages of a swap, and what takes it back; decides no image, score or verdict.",
}
_ANY_PART = reduce(or_, GRAPH)
#: Parts of the graph that hold what changes a pixel and nothing else.
_PIXELS_ONLY = Facet.UPSCALER | Facet.PROMPTS


class UnmarkedFieldError(TypeError):
    """A field that does not say what it changes."""


@dataclass(frozen=True)
class MarkedField:
    """A field of a document with what it changes.

    Attributes:
        path: names as in the file, from the document on; entries of lists are left out.
        owner: the document or part of one that declares it.
        name: what Python calls it.
        graph: the parts of the graph that change with it; none for prose.
        said: what stands at the field.
    """

    path: tuple[str, ...]
    owner: type[BaseModel]
    name: str
    graph: Facet
    said: Facet

    @property
    def changes_pixels(self) -> bool:
        """Whether image keys change with it."""
        return Facet.PIXELS in self.said


def said_at(field: FieldInfo) -> Facet:
    """What stands at a field.

    Raises:
        UnmarkedFieldError: nothing does.
    """
    found = next((item for item in field.metadata if isinstance(item, Facet)), None)
    if found is None:
        raise UnmarkedFieldError("say what it changes: `Annotated[TYPE, Facet.…]`")
    return found


def part_of_graph(said: Facet, around: Facet) -> Facet:
    """The parts of the graph a field belongs to, by what stands at it, else by what is around."""
    if Facet.NOTHING in said:
        return Facet(0)
    return said & _ANY_PART or around


def marked_fields(
    document: type[BaseModel], around: Facet, above: tuple[str, ...] = ()
) -> Iterator[MarkedField]:
    """Every field of a document and, behind each field, those of the parts it may hold.

    Args:
        document: or a part of one.
        around: the part of the graph of fields that name none, such as a `Document.main_facet`.
        above: where the document stands, as in `MarkedField.path`.

    Raises:
        UnmarkedFieldError: a field does not say what it changes.
    """
    for name, field in document.model_fields.items():
        said = said_at(field)
        path, graph = (*above, field.alias or name), part_of_graph(said, around)
        left_out = Facet.NO_PIXEL in said and graph in _PIXELS_ONLY
        yield MarkedField(path, document, name, Facet(0) if left_out else graph, said)
        for part in parts_in(field.annotation):
            yield from marked_fields(part, graph, path)


def parts_in(annotation: Any) -> list[type[BaseModel]]:
    """The documents that an annotation allows: `tuple[Criterion, ...]` as `[Criterion]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in parts_in(inner)]


def pixel_facts(part: BaseModel) -> dict[str, Any]:
    """What changes a pixel of a document or a part of one, as JSON values.

    Left out: fields of one flow, those whose content is hashed in their place, settings that came
    later and are at their default, and parts of which nothing is left.
    """
    written = part.model_dump(mode="json", by_alias=True)
    facts: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value, said, key = getattr(part, name), said_at(field), field.alias or name
        if said & (Facet.ONE_FLOW | Facet.BY_CONTENT):
            continue
        if isinstance(value, BaseModel):
            inner = pixel_facts(value)
            facts |= {key: inner} if inner else {}
        elif Facet.PIXELS in said and not (Facet.WHERE_SET in said and _is_default(field, value)):
            facts[key] = written[key]
    return facts


def defaults_in_use(part: BaseModel, above: str = "") -> dict[str, Any]:
    """Settings that change pixels and are not written, by dotted name, with what they are then.

    Left out: those that came later, whose default leaves everything as it was, and empty ones.
    """
    found: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value, said, path = getattr(part, name), said_at(field), f"{above}{field.alias or name}"
        if isinstance(value, BaseModel):
            found |= defaults_in_use(value, f"{path}.")
        elif Facet.PIXELS in said and Facet.WHERE_SET not in said:
            written = name in part.model_fields_set
            found |= {} if written or value in (None, "", {}, ()) else {path: value}
    return found


def _is_default(field: FieldInfo, value: Any) -> bool:
    return bool(value == field.get_default(call_default_factory=True, validated_data={}))
