"""Types and facets in words, for the pages that list every field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imgassets.documents.base import NAME
from imgassets.documents.field_facets import Facet, MarkedField
from imgassets.documents.plain_words import form_of
from imgassets.metrics.families import METRICS

Schema = Mapping[str, Any]
_LISTED = "the list of requests; no image that stays on it"
#: What is made again where a field changes that changes no pixel.
_KEPT = {
    Facet.REQUESTS: _LISTED,
    Facet.CHAIN: _LISTED,
    Facet.CRITERIA: "verdicts",
    Facet.TRAFFIC: "waiting times and bills in reports",
    Facet.PILOT: "pilots",
    Facet.GENERATOR: "tables",
    Facet.UPSCALER: "tables",
    Facet.PRICE: "costs",
    Facet.LIMITS: "images that failed",
    Facet.PROMPTS: _LISTED,
    Facet.COMPOSITION: "composition scores",
    Facet.TYPOGRAPHY: "typography scores",
    Facet.ALIGNMENT: "alignment scores",
    Facet.FACES: "scores of faces",
    Facet.MEASURES: "the judge's scores",
}
_THAT_FLOW = "images of that flow"
#: Which images, where a field changes pixels of some alone.
_IMAGES = {
    Facet.CHAIN: _THAT_FLOW,
    Facet.UPSCALER: "upscaled images",
    Facet.GENERATOR: "generated images and all that follow",
}


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def remade(marked: MarkedField, of_one_flow: bool) -> str:
    """What changing a field remakes, in words; `of_one_flow`: it says how one flow is made."""
    if Facet.PARTS in marked.said and not marked.changes_pixels:
        return "as its fields say"
    if marked.name == "judges":  # assets depend on the judge's own document, not on its name
        return f"{_KEPT[Facet.MEASURES]}; no image"
    if not marked.changes_pixels:
        kept = [words for facet, words in _KEPT.items() if facet in marked.graph]
        if not kept or kept == [_LISTED]:
            return kept[0] if kept else "nothing"
        return ", ".join(kept) + "; no image"
    images = next((w for facet, w in _IMAGES.items() if facet in marked.graph), "images")
    images = _THAT_FLOW if of_one_flow else images
    if Facet.BY_CONTENT in marked.said:
        return f"**{images}**, where the content of the files differs"
    if Facet.WHERE_SET in marked.said:
        return f"**{images}**, where it is not the default"
    return f"**{images}**"


def type_words(schema: Schema, whole: Schema, links: Mapping[str, str]) -> str:
    """A type as people say it.

    Args:
        schema: of the field.
        whole: with the definitions that it refers to.
        links: to the sections of parts, by name of the class.
    """
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        said = [type_words(c, whole, links) for c in _told_apart(choices)]
        words = [f"`{text}`" for c in choices for text in c.get("examples", ())[:1]]
        return " or ".join(dict.fromkeys([*said, *words]))
    if "$ref" in schema:
        return links.get(schema["$ref"].rpartition("/")[2], "fields")
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        if list(schema["enum"]) == list(METRICS):
            return "a [metric](../metrics.md)"
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    say = {"array": _list, "object": _fields}.get(str(schema.get("type")))
    if say:
        return say(schema, whole, links)
    return _scalar(schema)


def _told_apart(choices: list[Schema]) -> list[Schema]:
    """Without null, and without texts that stand for the number beside them."""
    numbers = any(choice.get("type") in ("number", "integer") for choice in choices)
    return [
        choice
        for choice in choices
        if choice.get("type") != "null" and not (numbers and "pattern" in choice)
    ]


def _scalar(schema: Schema) -> str:
    kind = schema.get("type")
    if kind in ("number", "integer"):
        return " ".join(["number" if kind == "number" else "whole number", *_range(schema)])
    if kind == "boolean":
        return "`true` or `false`"
    if kind == "string" and schema.get("format") == "date":
        return "day"
    if schema.get("pattern") == NAME:
        return "[name](#names-and-numbers)"
    if "pattern" in schema:
        return f"text like {form_of(schema['pattern'])}"
    return "text" if kind == "string" else "number in the metric's unit"


def _range(schema: Schema) -> list[str]:
    words = {
        "minimum": "from {}", "exclusiveMinimum": "above {}",
        "maximum": "to {}", "exclusiveMaximum": "below {}",
    }  # fmt: skip
    known = dict(schema)
    if known.get("exclusiveMinimum") is not None:
        known.pop("minimum", None)
    if known.get("exclusiveMaximum") is not None:
        known.pop("maximum", None)
    return [said.format(_number(known[key])) for key, said in words.items() if key in known]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def _list(schema: Schema, whole: Schema, links: Mapping[str, str]) -> str:
    items = schema.get("items", {})
    if isinstance(items, list):
        each = list(dict.fromkeys(type_words(item, whole, links) for item in items))
        return f"list of {len(items)}: {', '.join(each)}"
    return f"list of: {type_words(items, whole, links)}" if items else "list"


def _fields(schema: Schema, whole: Schema, links: Mapping[str, str]) -> str:
    values = schema.get("additionalProperties") or next(
        iter(schema.get("patternProperties", {}).values()), {}
    )
    if schema.get("properties"):
        names = ", ".join(f"`{name}`" for name in schema["properties"])
        return f"fields, some of {names}"
    of = f": {type_words(values, whole, links)} each" if isinstance(values, dict) and values else ""
    names = schema.get("propertyNames", {}).get("enum")
    return f"by name{' of ' + ', '.join(f'`{n}`' for n in names) if names else ''}{of}"
