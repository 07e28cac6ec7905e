"""Facets: the parts of a document that different work depends on, each with its own hash.

A threshold must not remake an image, and a price must not recompute a detector. So the graph
depends on facets, not on files. A facet's hash is taken of the *parsed* document: comments and
the order of keys change nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imgassets.documents.base import fingerprint
from imgassets.documents.contract import Endpoint
from imgassets.documents.hosted import AnyModel, HostedModel
from imgassets.documents.postprocess import step_facts
from imgassets.documents.project import Project
from imgassets.documents.prompts import Expectation, PromptSet
from imgassets.documents.upscaler import upscaler_facts
from imgassets.documents.weights import weights_fingerprint

#: (kind of document, its name, facet)
FacetKey = tuple[str, str, str]

ENDPOINT_FACETS = ("requests", "chain", "criteria", "traffic")
MODEL_FACETS = ("generator", "upscaler", "price")
PROMPT_FACETS = ("prompts", "composition", "typography")
_CRITERIA_FIELDS = {
    "criteria", "budget", "review", "decision", "failure_modes", "failures", "incumbent",
    "candidates", "metrics",
}  # fmt: skip
_CHAIN_FIELDS = {"sources", "stylize", "postprocess"}


def endpoint_facet(endpoint: Endpoint, facet: str) -> dict[str, Any]:
    """`criteria` (what must hold, against whom), `traffic`, or `requests` (everything else but
    prose and the chain).
    """
    chosen = endpoint.model_dump(
        mode="json", by_alias=True, exclude={"description", *_CHAIN_FIELDS}
    )
    traffic = chosen.pop("traffic")
    if facet == "traffic":
        return {"traffic": traffic}
    return {k: v for k, v in chosen.items() if (k in _CRITERIA_FIELDS) == (facet == "criteria")}


def chain_facet(endpoint: Endpoint, root: Path) -> dict[str, Any]:
    """What is done to generated images, with the files of watermarks by content."""
    chain = endpoint.model_dump(mode="json", by_alias=True, include=_CHAIN_FIELDS)
    return chain | {"postprocess": step_facts(root, endpoint.postprocess)}


def model_facets(model: AnyModel) -> tuple[str, ...]:
    """Facets of a model; hosted ones also have `limits`, which decide what failed images cost."""
    return (*MODEL_FACETS, "limits") if isinstance(model, HostedModel) else MODEL_FACETS


def model_facet(model: AnyModel, facet: str, root: Path) -> dict[str, Any]:
    """`price`, `upscaler`, `limits`, or `generator` (everything else but prose).

    Weights are told by the hash of their content.
    """
    everything = model.model_dump(mode="json", by_alias=True, exclude={"description"})
    price, _ = everything.pop("price"), everything.pop("upscaler")
    limits = everything.pop("limits", None)
    everything.pop("retired", None)
    if facet == "price":
        return {"price": price}
    if facet == "limits":
        return {"limits": limits}
    if facet == "generator":
        if isinstance(model, HostedModel):
            return everything
        weights = weights_fingerprint(root, model.weights, model.revision, model.loading.variant)
        return everything | {"weights": weights}
    return {"upscaler": upscaler_facts(root, model.upscaler)}


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
        parsed = {f: endpoint_facet(endpoint, f) for f in ENDPOINT_FACETS if f != "chain"}
        parsed["chain"] = chain_facet(endpoint, project.root)
        return {f: fingerprint(parsed[f]) for f in ENDPOINT_FACETS}
    if kind == "models":
        model = project.model(name)
        return {f: fingerprint(model_facet(model, f, project.root)) for f in model_facets(model)}
    prompt_set = project.prompt_sets[name].document
    return {f: fingerprint(prompt_facet(prompt_set, f)) for f in PROMPT_FACETS}
