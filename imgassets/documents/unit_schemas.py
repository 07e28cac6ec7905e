"""Limits as JSON Schemas: the numbers and the words that `documents.units` reads, for editors."""

from __future__ import annotations

import math
import re
from typing import Any

from imgassets.documents.units import Unit

Schema = dict[str, Any]
_NUMBER = r"[-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def level_schema(unit: Unit) -> Schema:
    """What `units.level` takes."""
    ends = {"minimum": unit.lowest, "maximum": unit.highest}
    return either(unit, {key: end for key, end in ends.items() if math.isfinite(end)})


def step_schema(unit: Unit) -> Schema:
    """What `units.step` takes."""
    return either(unit, {"minimum": 0} | ({"exclusiveMaximum": unit.width} if _ends(unit) else {}))


def either(unit: Unit, range_: Schema) -> Schema:
    """A number within a range, or a text that says its unit."""
    words: Schema = {"type": "string", "pattern": pattern(unit)}
    if shown := examples(unit):
        words["examples"] = shown
    return {"anyOf": [{"type": "number"} | range_, words]}


def pattern(unit: Unit) -> str:
    """A number, alone or with a word of the unit, in any case and with any spaces."""
    known = sorted({unit.name.lower(), *unit.words} - {"$"}, key=lambda word: (-len(word), word))
    dollar = r"(?:\$\s*)?" if "$" in unit.words else ""
    tail = r"|\$" if dollar else ""
    return rf"^\s*{dollar}{_NUMBER}\s*(?:{'|'.join(map(_any_case, known))}{tail})?\s*$"


def examples(unit: Unit) -> list[str]:
    """What messages show of the unit, where it is a text to YAML."""
    shown = re.findall("`([^`]+)`", unit.example)
    return [text for text in shown if not re.fullmatch(_NUMBER, text)]


def _ends(unit: Unit) -> bool:
    return math.isfinite(unit.width)


def _any_case(word: str) -> str:
    # Patterns of JSON Schema have no flag for it.
    letters = (f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in word)
    return "".join(r"\s+" if c == r"\ " else c for c in letters)
