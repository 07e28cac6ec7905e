"""Documents of ComfyUI models: what `check` finds, and what of a workflow is in an image key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents.facets import facets_of
from imgassets.documents.problems import Problem
from imgassets.documents.project import load_project
from imgassets.requests import build_requests
from imgassets_tests.backends.comfyui_models import write_comfyui
from imgassets_tests.conftest import edit_file
from imgassets_tests.fakes.comfyui_api import WORKFLOW

MAKE, EDIT = "workflows/make.json", "workflows/edit.json"
EDITOR = {"last_node_id": 9, "nodes": [{"id": 3, "type": "KSampler"}], "links": [], "version": 0.4}


def problems(root: Path) -> tuple[Problem, ...]:
    return load_project(root).problems


def keys(root: Path, device: str = "cpu") -> dict[tuple[str, str, int], str]:
    found = build_requests(load_project(root), "cards", "fast", device)
    return {(r.flow, r.prompt_id, r.seed): r.image_key for r in found}


def changed(before: dict[Any, str], after: dict[Any, str]) -> set[str]:
    """Flows whose images have other keys."""
    return {key[0] for key in before if before[key] != after[key]}


def test_a_model_of_comfyui_is_a_document_like_any_other(project_root: Path) -> None:
    write_comfyui(project_root)
    assert problems(project_root) == ()
    assert len(keys(project_root)) == 14


# ---- what check finds ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        (None, "make.json does not exist", "put the workflow there, or correct the path"),
        ('{"3": {"class_type": }', "make.json, line 1: no JSON", "Export (API)"),
        (json.dumps(EDITOR), "is in the format of ComfyUI's editor", "Save (API Format)"),
        ("[]", "holds no nodes", "Export (API)"),
        ('{"prompt": {}, "client_id": "x"}', "'prompt' is no node with class_type", "(API)"),
        ("[" * 100_000, "make.json cannot be read", "export it anew"),
    ],
)
def test_a_file_that_is_no_workflow_is_told_with_the_way_to_export_one(
    project_root: Path, text: str | None, message: str, fix: str
) -> None:
    write_comfyui(project_root)
    (project_root / MAKE).unlink()
    if text is not None:
        (project_root / MAKE).write_text(text)
    (problem,) = problems(project_root)
    assert (problem.file, problem.field) == ("contracts/models/fast.yaml", "workflow")
    assert problem.line == 3
    assert message in problem.message
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("old", "new", "field", "line", "message", "fix"),
    [
        ("6.text", "66.text", "inputs.prompt", 5, "no node '66'", "did you mean '6'?"),
        ("3.seed", "3.noise_seed", "inputs.seed", 7, "no input 'noise_seed'", "there are: seed"),
        ("3.seed", "3.model", "inputs.seed", 7, "3.model is linked to node 4", "of that node"),
        ("3.seed", "9.filename_prefix", "inputs.seed", 7, "and seed is a number", "the table"),
        ("6.text", "3.steps", "inputs.prompt", 5, "3.steps holds 20, and prompt is text", ""),
        ("6.text", "text", "inputs.prompt", 5, "'text' names no input of a node", ""),
        ("7.text", "6.text", "inputs", 4, "6.text is named for prompt and for negative", ""),
        ("  height: 5.height\n", "", "inputs", 4, "give both width and height, or neither", ""),
        ("edit:\n", 'output: "19"\nedit:\n', "output", 10, "no node '19'", "did you mean '9'?"),
        ("11.image", "12.image", "edit.inputs.mask", 17, "no node '12'", "there are: 3, 4, 5"),
        ("    mask: 11.image\n", "", "edit.inputs.mask", 12, "missing", "add `mask`"),
    ],
)
def test_a_table_that_does_not_fit_the_workflow_is_told_by_line(
    project_root: Path, old: str, new: str, field: str, line: int, message: str, fix: str
) -> None:
    path = write_comfyui(project_root)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    (problem,) = problems(project_root)
    assert message in str(problem)
    assert fix in problem.fix
    assert (problem.field, problem.line) == (field, line)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_url": "comfy:8188"}, "is no address"),
        ({"base_url": "https://me:secret@comfy.example"}, "base_url holds more than an address"),
        (
            {"base_url": "http://comfy.example", "token": "{environment: COMFYUI_TOKEN}"},
            "would send the token in the clear",
        ),
        (
            {"base_url": "http://127.example", "token": "{environment: COMFYUI_TOKEN}"},
            "would send the token in the clear",
        ),
        ({"price_": "1"}, "unknown field"),
    ],
)
def test_an_address_that_cannot_be_asked_is_told(
    project_root: Path, fields: dict[str, str], message: str
) -> None:
    write_comfyui(project_root, **fields)
    assert any(message in str(problem) for problem in problems(project_root))


def test_a_flow_without_its_workflow_is_told(project_root: Path) -> None:
    path = write_comfyui(project_root)
    text = path.read_text()
    path.write_text(text[: text.index("edit:")] + text[text.index("upscaler:") :])
    (problem,) = problems(project_root)
    assert "flow edit is asked for, but model fast has no `edit`" in problem.message


# ---- what is in a key ----------------------------------------------------------------------


def edited(root: Path, file: str, node: str, field: str, value: Any) -> None:
    nodes = json.loads((root / file).read_text())
    nodes[node]["inputs"][field] = value
    (root / file).write_text(json.dumps(nodes))


ALL = {"generate", "edit", "upscale"}


@pytest.mark.parametrize(
    ("file", "node", "field", "value", "flows"),
    [
        (MAKE, "3", "steps", 30, ALL),
        (MAKE, "4", "ckpt_name", "boots.safetensors", ALL),
        (MAKE, "6", "text", "another default", set()),
        (MAKE, "3", "seed", 99, set()),
        (MAKE, "5", "width", 1024, set()),
        (MAKE, "5", "batch_size", 2, ALL),
        (EDIT, "3", "denoise", 0.5, {"edit"}),
        (EDIT, "10", "image", "other.png", set()),
    ],
)
def test_what_the_table_fills_is_not_in_the_key_and_all_else_is(
    project_root: Path, file: str, node: str, field: str, value: Any, flows: set[str]
) -> None:
    write_comfyui(project_root)
    before, facets = keys(project_root), facets_of(load_project(project_root), "models", "fast")
    edited(project_root, file, node, field, value)
    assert changed(before, keys(project_root)) == flows
    after = facets_of(load_project(project_root), "models", "fast")
    assert {f for f in facets if facets[f] != after[f]} == ({"generator"} if flows else set())


@pytest.mark.parametrize(
    ("old", "new", "flows"),
    [
        ("0.3.75", "0.3.76", ALL),
        ("price:", "node_versions: {impact: 8.8.1}\nprice:", ALL),
        ("price:", "base_url: http://10.0.0.7:8188\nprice:", set()),
        ("price:", "timeout_seconds: 20\nmax_in_flight: 3\nprice:", set()),
        ("0.5,", "0.6,", set()),
        ("prompt: 6.text\n  neg", "prompt: [6.text]\n  neg", set()),
        ("prompt: 6.text\n  negative_prompt: 7.", "prompt: 7.text\n  negative_prompt: 6.", ALL),
    ],
)
def test_only_what_can_change_a_picture_changes_a_key(
    project_root: Path, old: str, new: str, flows: set[str]
) -> None:
    path = write_comfyui(project_root)
    before = keys(project_root)
    edit_file(path, old, new)
    assert problems(project_root) == ()
    assert changed(before, keys(project_root)) == flows


def test_titles_white_space_and_file_names_change_no_key(project_root: Path) -> None:
    path = write_comfyui(project_root)
    before = keys(project_root)
    nodes = {name: node | {"_meta": {"title": name}} for name, node in WORKFLOW.items()}
    (project_root / MAKE).unlink()
    (project_root / "workflows/shoes.json").write_text(json.dumps(nodes, indent=2, sort_keys=True))
    edit_file(path, MAKE, "workflows/shoes.json")
    assert problems(project_root) == ()
    assert keys(project_root) == before


def test_names_of_model_files_can_be_read_off_a_request(project_root: Path) -> None:
    write_comfyui(project_root)
    (request, *_) = build_requests(load_project(project_root), "cards", "fast", "cpu")
    assert request.inputs["generator"]["workflow"]["models"] == ["shoes.safetensors"]
    assert {"libraries", "device", "sampling"}.isdisjoint(request.inputs)
