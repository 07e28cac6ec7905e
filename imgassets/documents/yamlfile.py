"""Reading YAML safely, with the line of every field, so that a problem can be pointed at."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor

#: A document is written by hand; anything larger is a mistake, or an attack on the parser.
MAX_BYTES = 8 * 1024 * 1024
_MAX_ALIASES = 100
_MAX_DEPTH = 100

Loc = Sequence[str | int]


class YamlError(ValueError):
    """A file that is no YAML document. `line` is 1-based; `fix` says how to mend it."""

    def __init__(self, line: int, message: str, fix: str) -> None:
        super().__init__(message)
        self.line, self.message, self.fix = line, message, fix


@dataclass(frozen=True)
class YamlFile:
    """A parsed document that remembers where its fields stand."""

    data: Any
    root: yaml.Node
    text: str = ""

    def line(self, loc: Loc) -> int:
        """The 1-based line of a field; of its nearest ancestor where the field itself is absent.

        Parts of `loc` that are no key (pydantic puts union tags there) are skipped.
        """
        node, line = self.root, self.root.start_mark.line + 1
        for part in loc:
            child = _child(node, part)
            if child is not None:
                line, node = child[0].start_mark.line + 1, child[1]
        return line

    def node(self, loc: Loc) -> yaml.Node | None:
        """What is written at a field; None where nothing is, or where an alias brought it."""
        node: yaml.Node = self.root
        for part in loc:
            child = _child(node, part)
            if child is None:
                return None
            node = child[1]
        return node

    def scalars(self) -> Iterator[tuple[tuple[str | int, ...], yaml.ScalarNode]]:
        """Every single value with the field it stands in; one behind several aliases once."""
        yield from _scalars(self.root, (), set())


def _scalars(
    node: yaml.Node, loc: tuple[str | int, ...], seen: set[int]
) -> Iterator[tuple[tuple[str | int, ...], yaml.ScalarNode]]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield loc, node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*loc, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _scalars(item, (*loc, i), seen)


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The node to point at, and the value node to go on from."""
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


_TEXT, _LIST, _MAPPING = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_KINDS = {"timestamp": "a date", "int": "a number", "float": "a number", "bool": "true or false"}


class _Constructor(SafeConstructor):
    """Refuses duplicate keys (YAML would silently keep the last one), and says what was misread."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag == _TEXT and isinstance(node, yaml.ScalarNode):
            return node.value  # nearly all there is in a long document
        try:
            return super().construct_object(node, deep=deep)
        except (YamlError, yaml.YAMLError):
            raise
        # PyYAML's constructors let Python's own exceptions out: of a date such as 2026-13-45
        # (ValueError), `!!bool maybe` (KeyError), `!!timestamp x` (AttributeError), `!!map a`.
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            kind = node.tag.rpartition(":")[2]
            shown = node.value if isinstance(node, yaml.ScalarNode) else "this"
            shown = shown if len(shown) <= 60 else shown[:57] + "..."
            mark: Any = node.start_mark
            raise YamlError(
                mark.line + 1,
                f"not valid YAML: `{shown}` is read as {_KINDS.get(kind, kind)}, and is none",
                f'put it in quotes: "{shown}"',
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(
                    key.start_mark.line + 1, "a key that is a list or a mapping", "keys are words"
                )
            if key.value in seen:
                raise _twice(key)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _twice(key: yaml.ScalarNode) -> YamlError:
    return YamlError(
        key.start_mark.line + 1,
        f"key {key.value!r} appears twice",
        "keep one of them; YAML would silently drop the first",
    )


class _PlainLoader(_Constructor, yaml.CSafeLoader):
    """Text is taken apart and put together by libyaml, in a tenth of the time."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        self.depth = 0
        self.tags: dict[Any, str] = {}

    # Both parsers call these around every node; libyaml's has no limit but the stack's end, where
    # the process dies. Nothing in a document depends on its path, which they are made for.
    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            line = current_node.start_mark.line + 1
            raise YamlError(line, f"nested more than {_MAX_DEPTH} deep", "write it flat")

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def plain(self, node: yaml.Node) -> Any:
        """What a node means; ordinary mappings, lists and texts without PyYAML's detours."""
        if node.tag == _TEXT and isinstance(node, yaml.ScalarNode):
            return node.value
        if node.tag == _LIST and isinstance(node, yaml.SequenceNode):
            return [self.plain(item) for item in node.value]
        if node.tag != _MAPPING or any(key.tag != _TEXT for key, _ in node.value):
            return self.construct_object(node, deep=True)
        found: dict[Hashable, Any] = {}
        for key, value in node.value:
            if key.value in found:
                raise _twice(key)
            found[key.value] = self.plain(value)
        return found

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """A tag; keys and short words come again and again in a long document."""
        asked = kind, value, implicit
        if asked not in self.tags:
            self.tags[asked] = super().resolve(kind, value, implicit)
        return self.tags[asked]


class _Loader(Composer, _PlainLoader):
    """The same with nodes put together here, where aliases can be counted."""

    def __init__(self, text: str) -> None:
        _PlainLoader.__init__(self, text)
        Composer.__init__(self)
        self.aliases = 0
        self.open: list[str | None] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        if not self.check_event(yaml.AliasEvent):
            self.open.append(event.anchor)
            node = super().compose_node(parent, index)
            self.open.pop()
            return node
        self.aliases += 1
        line: int = event.start_mark.line + 1
        if self.aliases > _MAX_ALIASES:
            raise YamlError(line, f"more than {_MAX_ALIASES} aliases", "write the values out")
        if event.anchor in self.open:
            raise YamlError(line, f"*{event.anchor} holds itself", "write the value out")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> YamlFile:
    """Parse one YAML document with the safe loader.

    Raises:
        YamlError: unreadable, too large, not UTF-8, not YAML, empty, or duplicate keys.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise YamlError(1, f"larger than {MAX_BYTES // 2**20} MiB", "split the document")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise YamlError(1, error.strerror or str(error), "make the file readable") from error
    except UnicodeDecodeError as error:
        raise YamlError(1, "not UTF-8 text", "save the file as UTF-8") from error
    try:
        return _parse(text)
    except YamlError:
        raise
    except (yaml.YAMLError, RecursionError, ArithmeticError, AttributeError, LookupError,
            TypeError, ValueError) as error:  # fmt: skip
        raise _not_yaml(error, text) from error


def _not_yaml(error: Exception, text: str) -> YamlError:
    """PyYAML's error, or one that its constructors let out, with what most likely is the cause."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "nested too deep, or a tag that cannot be read"
    if isinstance(error, ConstructorError) and "tag" in what:
        what = "a tag (`!`) that is not known here"
    number = mark.line + 1 if mark else 1
    lines = text.split("\n")
    # An error is often noticed a line or two behind its cause.
    near = lines[max(0, number - 3) : number]
    fix = "check indentation and quoting"
    if any("\t" in line[: len(line) - len(line.lstrip())] for line in near):
        fix = "indent with spaces, not with tabs"
    elif any(re.search(r"\S.*\s#", line) for line in near):
        fix = "what stands behind ` #` is a comment: put the text in quotes if it belongs to it"
    elif "flow" in (getattr(error, "context", None) or ""):
        fix = "close each `[` and `{`, here or in a line above"
    return YamlError(number, f"not valid YAML: {what}", fix)


def _parse(text: str) -> YamlFile:
    # Without an anchor there is no alias to look at.
    plain = "&" not in text
    loader = _PlainLoader(text) if plain else _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise YamlError(1, "the document is empty", "write the document, or delete the file")
        data = loader.plain(node) if plain else loader.construct_document(node)
        return YamlFile(data, node, text)
    finally:
        loader.dispose()
