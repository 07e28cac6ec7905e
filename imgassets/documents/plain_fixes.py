"""Fixes for pydantic's errors where nothing better is known: what to change, in general words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TEXT = "write the text, or leave the field out"
_NUMBER = "write a plain number, such as `8`"
_DAY = "write it as 2026-11-24, without quotes"
_FIELDS = "write fields, such as `name: value`"
_NAME = "^[a-z0-9]+(-[a-z0-9]+)*$"
_FIXES: dict[str, Callable[[Mapping[str, Any], Any], str]] = {
    "string_type": lambda _, value: "write a text" if value else _TEXT,
    "string_too_short": lambda *_: _TEXT,
    "blank": lambda *_: _TEXT,
    "string_too_long": lambda c, value: f"take {len(str(value)) - c['max_length']} out of it",
    "string_pattern_mismatch": lambda c, value: _of_form(c["pattern"], str(value)),
    "string_unicode": lambda *_: "save the file as UTF-8, and write the character anew",
    "int_from_float": lambda _, value: f"did you mean `{value:.0f}`?",
    "int_parsing_size": lambda *_: "write a smaller one",
    "greater_than": lambda c, _: f"raise it above {c['gt']}",
    "greater_than_equal": lambda c, _: f"raise it to {c['ge']} or more",
    "less_than": lambda c, _: f"lower it below {c['lt']}",
    "less_than_equal": lambda c, _: f"lower it to {c['le']} or less",
    "multiple_of": lambda c, value: _nearest(c["multiple_of"], value),
    "bool_type": lambda *_: "write true or false, without quotes",
    "bool_parsing": lambda *_: "write true or false, without quotes",
    "tuple_type": lambda _, value: _as_list(value),
    "list_type": lambda _, value: _as_list(value),
    "too_few": lambda c, value: f"add {c['most'] - len(value)}",
    "too_short": lambda c, value: f"add at least {c['min_length'] - len(value)}",
    "too_long": lambda c, value: f"take {len(value) - c['max_length']} out",
    "none_required": lambda *_: "leave the field out",
}


def general_fix(item: Any) -> str:
    """What to do about an error of pydantic; never empty."""
    kind, value = item["type"], item["input"]
    if make := _FIXES.get(kind):
        return make(item.get("ctx") or {}, value)
    if kind.startswith(("int", "float", "no_number", "no_whole", "finite")):
        return _NUMBER
    if kind.startswith(("date", "no_day")):
        return _DAY
    if kind.startswith(("dict", "mapping", "model")):
        return _FIELDS
    return "take one of those" if kind == "literal_error" else "see docs/documents.md"


def _of_form(pattern: str, value: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
    return f"did you mean `{slug}`?" if pattern == _NAME and slug else "write it in that form"


def _nearest(step: int, value: float) -> str:
    return f"the nearest is {max(1, round(value / step)) * step}"


def _as_list(value: Any) -> str:
    scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    short = str(value)[:40]
    return f"write `[{short}]`" if scalar and short.isalnum() else "write a list, such as [a, b]"
