"""What CONTRIBUTING says of size and docstrings holds for every module of the product."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "imgassets"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 350, 50
#: Modules at the root; everything else lives in a room.
LOOSE = {"__init__.py", "definitions.py", "flows.py", "requests.py"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def public(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Public classes and functions, methods of public classes among them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_short_and_says_what_it_offers(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MOST_LINES
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, _FUNCTIONS)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert not long
    assert not text or ast.get_docstring(tree)
    assert not [node.name for node in public(tree) if not ast.get_docstring(node)]


def test_no_module_lies_loose() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == LOOSE
