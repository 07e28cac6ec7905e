"""What was written and what YAML made of it, where the two are easily taken for the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from imgassets.documents.scalars import DECIMAL
from imgassets.documents.yamlfile import YamlFile

Field = tuple[str | int, ...]
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)")
_PERHAPS_ODD = re.compile(r"\b0[\dxXbB_]|[\d.]_|\d:\d")
#: A comment has a space behind its `#`; `#1` and `#ffffff` were meant.
_LOST = re.compile(r"[ \t]+(#[^\s#][^\n]*)")


def lost_text(source: YamlFile) -> Iterator[tuple[Field, str, str]]:
    """`(field, message, fix)` of every value that YAML cut off at a `#` that looks like text."""
    if not re.search(r"\s#[^\s#]", source.text):
        return
    for field, node in source.scalars():
        found = _LOST.match(source.text, node.end_mark.index) if not node.style else None
        if found and field:
            whole = source.text[node.start_mark.index : found.end()].strip()
            yield (
                field,
                f"`{_short(found[1])}` is lost: behind a space, `#` begins a comment",
                f"put the text in quotes: {quoted(whole)} - or write `# ` for a comment",
            )


def odd_numbers(source: YamlFile) -> Iterator[tuple[Field, str, str]]:
    """`(field, message, fix)` of every number that is not the one people read.

    YAML 1.1 takes `020` for 16, `1:30` for 90, `0x10` for 16 and `1_000` for 1000.
    """
    if not _PERHAPS_ODD.search(source.text):  # spares large documents the walk
        return
    for field, node in source.scalars():
        text = node.value
        if node.tag not in _NUMBERS or DECIMAL.fullmatch(text) or _NOT_FINITE.fullmatch(text):
            continue
        value = yaml.safe_load(text)
        if isinstance(value, (int, float)):
            yield (
                field,
                f"`{_short(text)}` is read as the number {_short(str(value))}",
                f"write a plain decimal number; or, if it is a text, put it in quotes: "
                f"{quoted(text)}",
            )


def found(value: Any, node: yaml.Node | None) -> str:
    """What stands where something else is wanted, as it was written."""
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "fields" if value else "no fields"
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    written = node.value if plain and node is not None else None
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value else "an empty text"
    read = _read_as(value)
    if written is None or written == str(value) or written.lower() == read:
        return read
    return f"`{_short(written)}`, which is read as {read}" if written else read


def _read_as(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {_short(str(value))}"
    return f"the day {value}"


def quoted(text: str) -> str:
    """A text as it can be written into a YAML document."""
    short = _short(text)
    if '"' in short or "\\" in short:
        return "'" + short.replace("'", "''") + "'"
    return f'"{short}"'


def _short(text: str, most: int = 60) -> str:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 3] + "..."
