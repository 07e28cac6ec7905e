"""Facets: the parts of a document that different work depends on, each with its own hash.

A threshold must not remake an image, and a price must not recompute a detector. So the graph
depends on facets, not on files. A facet's hash is taken of the *parsed* document: comments and
the order of keys change nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imgassets.spec.base import fingerprint
from imgassets.spec.contract import Endpoint
from imgassets.spec.model import Model
from imgassets.spec.project import Project
from imgassets.spec.prompts import Expectation, PromptSet
from imgassets.spec.weights import folder_fingerprint, weights_folder

#: (kind of document, its name, facet)
FacetKey = tuple[str, str, str]

ENDPOINT_FACETS = ("requests", "criteria")
MODEL_FACETS = ("generator", "upscaler", "price")
PROMPT_FACETS = ("prompts", "composition", "typography")
_CRITERIA_FIELDS = {
    "criteria", "budget", "review", "decision", "failure_modes", "incumbent", "candidates",
}  # fmt: skip


def endpoint_facet(endpoint: Endpoint, facet: str) -> dict[str, Any]:
    """`criteria` (what must hold, against whom) or `requests` (everything else but prose)."""
    chosen = endpoint.model_dump(mode="json", by_alias=True, exclude={"description"})
    return {k: v for k, v in chosen.items() if (k in _CRITERIA_FIELDS) == (facet == "criteria")}


def model_facet(model: Model, facet: str, root: Path) -> dict[str, Any]:
    """`price`, `upscaler`, or `generator` (everything else but prose), with weights by content."""
    everything = model.model_dump(mode="json", by_alias=True, exclude={"description"})
    price, upscaler = everything.pop("price"), everything.pop("upscaler")
    if facet == "price":
        return {"price": price}
    if facet == "generator":
        weights = folder_fingerprint(weights_folder(root, model.weights))
        return everything | {"weights": weights}
    if model.upscaler and model.upscaler.weights:
        weights = folder_fingerprint(weights_folder(root, model.upscaler.weights))
        upscaler = upscaler | {"weights": weights}
    return {"upscaler": upscaler}


def prompt_facet(prompt_set: PromptSet, facet: str) -> dict[str, Any]:
    """`prompts` (texts after transforms, edits) or what one metric family expects of them."""
    if facet == "prompts":
        return {
            p.id: [
                prompt_set.transformed(p.prompt),
                p.edit and [p.edit.region, prompt_set.transformed(p.edit.prompt)],
            ]
            for p in prompt_set.prompts
        }
    return {
        p.id: [_family(p.expect, facet), p.edit and _family(p.edit.expect, facet)]
        for p in prompt_set.prompts
    }


def _family(expect: Expectation, family: str) -> dict[str, Any]:
    text_fields = {"text"}
    dumped = expect.model_dump(mode="json", by_alias=True)
    return {k: v for k, v in dumped.items() if (k in text_fields) == (family == "typography")}


def facets_of(project: Project, kind: str, name: str) -> dict[str, str]:
    """All facets of one document, each with its SHA-256.

    Raises:
        KeyError: no such valid document.
        FileNotFoundError: a model's weights folder is missing.
    """
    if kind == "endpoints":
        endpoint = project.endpoint(name)
        return {f: fingerprint(endpoint_facet(endpoint, f)) for f in ENDPOINT_FACETS}
    if kind == "models":
        model = project.model(name)
        return {f: fingerprint(model_facet(model, f, project.root)) for f in MODEL_FACETS}
    prompt_set = project.prompt_sets[name].document
    return {f: fingerprint(prompt_facet(prompt_set, f)) for f in PROMPT_FACETS}
