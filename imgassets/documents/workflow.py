"""Workflows of ComfyUI in API format: read, looked at, and hashed by what they mean.

`{"3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}}, ...}`: nodes by id,
inputs as values or as links to another node's output.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imgassets.documents.base import fingerprint

#: Nodes by their id.
Nodes = dict[str, dict[str, Any]]
#: Files that hold weights, by the end of their name.
_MODEL_FILES = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".onnx")
_MOST_BYTES = 16 * 2**20
_EXPORT = (
    "in ComfyUI choose Workflow, Export (API); older versions call it Save (API Format), after Dev "
    "mode is switched on in the settings"
)


class WorkflowError(ValueError):
    """A file is no workflow in API format; `fix` says what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message}; {fix}")
        self.message, self.fix = message, fix


def read_workflow(path: Path) -> Nodes:
    """The nodes of a workflow.

    Raises:
        WorkflowError: the file is missing, no JSON, or not in API format.
    """
    if not path.is_file():
        fix = f"put the workflow there, or correct the path; to export one: {_EXPORT}"
        raise WorkflowError(f"{path} does not exist", fix)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise WorkflowError(f"{path} is larger than 16 MiB", f"export it anew: {_EXPORT}")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno}: no JSON: {error.msg}"
        raise WorkflowError(where, f"export it anew: {_EXPORT}") from error
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        if isinstance(error, WorkflowError):
            raise
        raise WorkflowError(f"{path} cannot be read: {error}", f"export it anew: {_EXPORT}") from (
            error
        )
    return _nodes(path, data)


def _nodes(path: Path, data: Any) -> Nodes:
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        raise WorkflowError(
            f"{path} is in the format of ComfyUI's editor, not in API format",
            f"export it for the API: {_EXPORT}",
        )
    if not isinstance(data, dict) or not data:
        raise WorkflowError(f"{path} holds no nodes", f"export it for the API: {_EXPORT}")
    for name, node in data.items():
        whole = isinstance(node, dict) and isinstance(node.get("class_type"), str)
        if not whole or not isinstance(node.get("inputs", {}), dict):
            raise WorkflowError(
                f"{path}: {name!r} is no node with class_type and inputs",
                f"export it for the API: {_EXPORT}",
            )
    return data


def split_place(place: str) -> tuple[str, str]:
    """`6.text` as node and input."""
    node, _, name = place.partition(".")
    return node, name


def place_problem(nodes: Nodes, name: str, place: str) -> tuple[str, str] | None:
    """Why a node's input cannot be filled, and the fix; None when it can.

    Args:
        nodes: of the workflow.
        name: what is to fill it, such as `seed`.
        place: `NODE.INPUT`.
    """
    node, field = split_place(place)
    if node not in nodes:
        return f"the workflow has no node {node!r}", _closest(node, nodes)
    inputs, kind = nodes[node].get("inputs", {}), nodes[node]["class_type"]
    if field not in inputs:
        return f"node {node} ({kind}) has no input {field!r}", _closest(field, inputs)
    value = inputs[field]
    if isinstance(value, list):
        return (
            f"{place} is linked to node {value[0] if value else '?'}: filling it would cut the "
            "link",
            "name the input of that node, where the value is written",
        )
    text = name not in ("seed", "width", "height")
    if isinstance(value, str) != text:
        what = "text" if text else "a number"
        return f"{place} holds {json.dumps(value)[:40]}, and {name} is {what}", "correct the table"
    return None


def output_problem(nodes: Nodes, output: str | None) -> tuple[str, str] | None:
    """Why no image can come out of a node, and the fix; None when it can."""
    if output is None or output in nodes:
        return None
    return f"the workflow has no node {output!r}", _closest(output, nodes)


def _closest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"did you mean {close[0]!r}? There are: {shown}" if close else f"there are: {shown}"


def model_files(nodes: Nodes) -> list[str]:
    """File names of weights that the nodes name, sorted."""
    values = (v for node in nodes.values() for v in node.get("inputs", {}).values())
    return sorted({v for v in values if isinstance(v, str) and v.lower().endswith(_MODEL_FILES)})


def workflow_facts(path: Path, places: Iterable[str]) -> dict[str, Any]:
    """What of a workflow changes pixels: all of it but titles and the values that are filled in.

    A file that is no workflow is told by its bytes; `imgassets check` says what is wrong with it.

    Raises:
        FileNotFoundError: it is missing.
    """
    try:
        nodes = read_workflow(path)
    except WorkflowError:
        return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    filled = {split_place(place) for place in places}
    meant = {
        name: [node["class_type"], _unfilled(name, node.get("inputs", {}), filled)]
        for name, node in nodes.items()
    }
    return {"sha256": fingerprint(meant), "models": model_files(nodes)}


def _unfilled(node: str, inputs: dict[str, Any], filled: set[tuple[str, str]]) -> dict[str, Any]:
    return {k: None if (node, k) in filled else _plain(v) for k, v in inputs.items()}


def _plain(value: Any) -> Any:
    """A value that has a spelling in strict JSON; Python's reader takes NaN and infinity."""
    return str(value) if isinstance(value, float) and value - value != 0 else value
