"""Which pipelines and schedulers the installed diffusers has, read as text.

Importing diffusers takes seconds and pulls in torch; checking a document must not. Its
`__init__.py` lists every public class by name, and each scheduler's settings are the arguments of
its `__init__`, so both can be read without running any of it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path


@cache
def _package() -> Path | None:
    found = importlib.util.find_spec("diffusers")
    return Path(found.origin).parent if found and found.origin else None


@cache
def _public_names(suffix: str) -> frozenset[str]:
    package = _package()
    if package is None:
        return frozenset()
    text = (package / "__init__.py").read_text(encoding="utf-8")
    return frozenset(re.findall(rf'"(\w+{suffix})"', text))


def schedulers() -> frozenset[str]:
    """Names of all scheduler classes; empty when diffusers is not installed."""
    return _public_names("Scheduler")


def pipelines() -> frozenset[str]:
    """Names of all pipeline classes; empty when diffusers is not installed."""
    return _public_names("Pipeline")


@cache
def scheduler_settings(name: str) -> tuple[str, ...] | None:
    """Keyword arguments a scheduler takes; None when its source is not found."""
    package = _package()
    if package is None:
        return None
    for path in sorted((package / "schedulers").glob("scheduling_*.py")):
        text = path.read_text(encoding="utf-8")
        if f"class {name}(" in text:
            return _init_arguments(ast.parse(text), name)
    return None


def _init_arguments(tree: ast.Module, class_name: str) -> tuple[str, ...] | None:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    return tuple(a.arg for a in (*item.args.args, *item.args.kwonlyargs))[1:]
    return None
