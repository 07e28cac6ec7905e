"""Flows are described once, and nothing else asks one for its name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from imgassets.backends.base import Backend
from imgassets.documents.contract import Endpoint
from imgassets.documents.gemini import GeminiModel
from imgassets.documents.ideogram import IdeogramModel
from imgassets.documents.model import Model
from imgassets.documents.openai import OpenAIModel
from imgassets.flows import FIRST, FLOWS, OF_STAGE, Flow, MadeBy, in_brackets, label

PACKAGE = Path(__file__).parents[1] / "imgassets"
#: Where the word is no flow that is asked for, but data of the place itself.
ALLOWED = {
    "flows.py": "describes them",
    "documents/facets.py": "`postprocess` is a field of a contract",
    "backends/ideogram.py": "what the API calls each flow",
    "refresh/document_changes.py": "`edit` is a field of a prompt",
}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=list(FLOWS))
def test_every_flow_is_whole(flow: Flow) -> None:
    assert flow.stage in OF_STAGE
    assert flow.delivered
    assert flow.done
    assert (flow.source is None) == (flow.name == FIRST)
    assert bool(flow.after) == (flow.name != FIRST)
    if flow.contract_field:
        assert flow.contract_field in Endpoint.model_fields
    for document in (Model, IdeogramModel, GeminiModel, OpenAIModel):
        if flow.model_field and (flow.source or document is Model):
            assert flow.model_field in dir(document) or flow.model_field in document.model_fields
    if flow.made_by is MadeBy.BACKEND:
        assert hasattr(Backend, flow.name)


def test_a_flow_starts_from_one_before_it() -> None:
    order = list(FLOWS)
    for name, flow in FLOWS.items():
        assert flow.source is None or order.index(flow.source) < order.index(name)


def test_the_first_flow_needs_no_label() -> None:
    assert label(FIRST) == in_brackets(FIRST) == ""
    assert in_brackets("upscale") == " (upscale)"


def test_no_other_module_knows_a_flow_by_its_name() -> None:
    found = []
    for file in PACKAGE.rglob("*.py"):
        where = str(file.relative_to(PACKAGE))
        if where in ALLOWED:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found += [f"{where}:{c.lineno}: {c.value!r}" for c in asked(node) if c.value in FLOWS]
    assert not found, "\n".join(found)


def test_no_template_knows_a_flow_by_its_name() -> None:
    templates = sorted(PACKAGE.rglob("*.j2"))
    assert templates
    for file in templates:
        text = file.read_text(encoding="utf-8")
        assert not [n for n in FLOWS if f'"{n}"' in text or f"'{n}'" in text], file.name


def asked(node: ast.AST) -> list[ast.Constant]:
    """Constants that something is compared with, matched with, or looked up by."""
    parts: list[ast.AST | None] = []
    if isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.MatchValue):
        parts = [node.value]
    elif isinstance(node, ast.Dict):
        parts = list(node.keys)
    elif isinstance(node, ast.Subscript):
        parts = [node.slice]
    several = (ast.Tuple, ast.List, ast.Set)
    inner = [p for part in parts for p in (part.elts if isinstance(part, several) else [part])]
    return [part for part in inner if isinstance(part, ast.Constant)]
