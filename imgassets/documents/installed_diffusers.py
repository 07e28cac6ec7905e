"""Which pipelines and schedulers the installed diffusers has, read as text.

Importing diffusers takes seconds and pulls in torch; checking a document must not. Its
`__init__.py` lists every public class by name, and each scheduler's settings are the arguments of
its `__init__`, so both can be read without running any of it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Argument:
    """An argument of a method, as its source has it.

    Attributes:
        name: its name.
        required: it has no default.
        kinds: names of the types its annotation allows (`None` for null); empty without one.
        words: the words it may be, where the annotation lists them.
        default_is_none: its default is None, whatever the annotation says.
    """

    name: str
    required: bool
    kinds: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    default_is_none: bool = False


def scheduler_settings(name: str) -> tuple[str, ...] | None:
    """Keyword arguments a scheduler takes; None when its source is not found."""
    arguments = init_arguments(name)
    return None if arguments is None else tuple(a.name for a in arguments)


def init_arguments(name: str) -> tuple[Argument, ...] | None:
    """Arguments of a scheduler's `__init__`; None when its source is not found."""
    return _arguments(name, "__init__")


def step_arguments(name: str) -> tuple[Argument, ...] | None:
    """Arguments of a scheduler's `step`; None when it has none of its own."""
    return _arguments(name, "step")


def says(name: str, word: str) -> bool:
    """Whether a word stands, in quotes, in the source file of a scheduler."""
    text, _ = _source(name) or ("", None)
    return f'"{word}"' in text


@cache
def package_of(name: str) -> str | None:
    """The package beside torch that a scheduler needs; None for none."""
    package = _package()
    for dummies in sorted(
        (package / "utils").glob("dummy_torch_and_*_objects.py") if package else ()
    ):
        if f"class {name}(" in dummies.read_text(encoding="utf-8"):
            return dummies.stem.removeprefix("dummy_torch_and_").removesuffix("_objects")
    return None


@cache
def _source(name: str) -> tuple[str, ast.ClassDef] | None:
    """The text of the file that a scheduler stands in, and its class."""
    package = _package()
    for path in sorted((package / "schedulers").glob("scheduling_*.py") if package else ()):
        text = path.read_text(encoding="utf-8")
        if f"class {name}(" in text:
            for node in ast.parse(text).body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return text, node
    return None


@cache
def _arguments(name: str, method: str) -> tuple[Argument, ...] | None:
    source = _source(name)
    for item in source[1].body if source else ():
        if isinstance(item, ast.FunctionDef) and item.name == method:
            return tuple(_arguments_of(item.args))[1:]
    return None


def _arguments_of(arguments: ast.arguments) -> Iterator[Argument]:
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    defaults += arguments.defaults
    both = [*zip(plain, defaults, strict=True)]
    both += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for argument, default in both:
        kinds, words = _allowed(argument.annotation)
        yield Argument(
            argument.arg,
            required=default is None,
            kinds=frozenset(kinds),
            words=tuple(words),
            default_is_none=isinstance(default, ast.Constant) and default.value is None,
        )


def _allowed(annotation: ast.expr | None) -> tuple[list[str], list[str]]:
    """Names of the types in an annotation, and the words of its `Literal`s."""
    match annotation:
        case None:
            return [], []
        case ast.BinOp(left=left, right=right):
            here, there = _allowed(left), _allowed(right)
            return here[0] + there[0], here[1] + there[1]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            values = [o.value for o in options if isinstance(o, ast.Constant)]
            return [type(v).__name__ for v in values if not isinstance(v, str)] + ["Literal"], [
                v for v in values if isinstance(v, str)
            ]
        case ast.Subscript(value=ast.Name(id="Optional" | "Union" as name), slice=inner):
            options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            all_ = [_allowed(option) for option in options]
            kinds = [k for kinds, _ in all_ for k in kinds] + ["None"] * (name == "Optional")
            return kinds, [w for _, words in all_ for w in words]
        case ast.Constant(value=None):
            return ["None"], []
    return [ast.unparse(annotation)], []
