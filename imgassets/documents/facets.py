"""Facets: the parts of a document that different work depends on, each with its own hash.

A threshold must not remake an image, and a price must not recompute a detector. So the graph
depends on facets, not on files. Which field is in which facet stands at the field
(`documents.field_facets`). A facet's hash is taken of the *parsed* document: comments and the order
of keys change nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from imgassets.documents.base import Document, fingerprint
from imgassets.documents.comfyui import ComfyModel
from imgassets.documents.command import CommandModel
from imgassets.documents.contract import Endpoint
from imgassets.documents.field_facets import GRAPH, Facet, marked_fields, part_of_graph, said_at
from imgassets.documents.folder import FolderModel
from imgassets.documents.image_folder import folder_of
from imgassets.documents.image_key import flow_facts, model_weights, step_facts, upscaler_facts
from imgassets.documents.judge import judge_facts
from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel
from imgassets.documents.project import Project
from imgassets.documents.prompts import Expectation, PromptSet

#: (kind of document, its name, facet)
FacetKey = tuple[str, str, str]


@cache
def facet_names(document: type[Document]) -> tuple[str, ...]:
    """The facets of a kind of document: those that its fields name."""
    named = Facet(0)
    for field in marked_fields(document, document.main_facet):
        named |= field.graph
    return tuple(facet.name.lower() for facet in GRAPH if facet in named and facet.name)


def decides(facet: str) -> str:
    """What a facet holds and what it decides, in a sentence."""
    return GRAPH[Facet[facet.upper()]]


def endpoint_facet(endpoint: Endpoint, facet: str) -> dict[str, Any]:
    """One facet of a contract as JSON values: `requests`, `criteria` or `traffic`."""
    return _fields(endpoint, Facet[facet.upper()])


def chain_facet(endpoint: Endpoint, root: Path) -> dict[str, Any]:
    """What is done to generated images, with the files of watermarks by content."""
    steps = step_facts(root, endpoint.postprocess)
    return _fields(endpoint, Facet.CHAIN) | {"postprocess": steps}


def model_facet(model: AnyModel, facet: str, root: Path) -> dict[str, Any]:
    """One facet of a model as JSON values. Weights are told by the hash of their content."""
    if facet == "upscaler":
        return {"upscaler": upscaler_facts(root, model.upscaler)}
    fields = _fields(model, Facet[facet.upper()])
    if "weights" in fields and isinstance(model, Model):
        fields["weights"] = model_weights(root, model)
    if "images" in fields and isinstance(model, FolderModel):
        fields["images"] = folder_of(root, model).version()
    if "workflow" in fields and isinstance(model, ComfyModel):
        how = {"stylize": model.stylize, "edit": model.edit}
        fields["workflow"] = flow_facts(root, model)["workflow"]
        fields |= {flow: part and flow_facts(root, part) for flow, part in how.items()}
    if "files" in fields and isinstance(model, CommandModel):
        fields["files"] = model.contents(root)
    return fields


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
    said = facet == "alignment"  # what an image shows is held against the prompt as well
    return {
        p.id: [
            *([p.prompt, p.edit and p.edit.prompt] if said else []),
            expected(p.expect, facet),
            p.edit and expected(p.edit.expect, facet),
        ]
        for p in prompt_set.prompts
    }


def expected(expect: Expectation, facet: str) -> dict[str, Any]:
    """What one metric family (`composition`, `typography`, ...) reads of an expectation."""
    return _fields(expect, Facet[facet.upper()])


def _fields(document: Document, facet: Facet) -> dict[str, Any]:
    """The fields of a document that belong to a part of the graph, as JSON values."""
    return document.model_dump(mode="json", by_alias=True, include=_names(type(document), facet))


@cache
def _names(document: type[Document], facet: Facet) -> set[str]:
    return {
        name
        for name, field in document.model_fields.items()
        if facet in part_of_graph(said_at(field), document.main_facet)
    }


def parsed_facets(project: Project, kind: str, name: str) -> dict[str, dict[str, Any]]:
    """All facets of one document as JSON values. Raises as `facets_of`."""
    if kind == "endpoints":
        endpoint = project.endpoint(name)
        return {
            facet: chain_facet(endpoint, project.root)
            if facet == "chain"
            else endpoint_facet(endpoint, facet)
            for facet in facet_names(Endpoint)
        }
    if kind == "models":
        model = project.model(name)
        return {f: model_facet(model, f, project.root) for f in facet_names(type(model))}
    if kind == "judges":
        return {"measures": judge_facts(project.root, project.judge(name))}
    prompt_set = project.prompt_sets[name].document
    return {facet: prompt_facet(prompt_set, facet) for facet in facet_names(PromptSet)}


def facets_of(project: Project, kind: str, name: str) -> dict[str, str]:
    """All facets of one document, each with its SHA-256.

    Raises:
        KeyError: no such valid document.
        FileNotFoundError: the weights of a model or a judge are missing.
    """
    return {f: fingerprint(parsed) for f, parsed in parsed_facets(project, kind, name).items()}
