"""pydantic's errors in plain words: what is wanted, what was found, and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from imgassets.documents.field_errors import FieldError
from imgassets.documents.yaml_misreadings import found, quoted

#: What every type of error wants, made from its details. Types that are not here are said in
#: general words, never in pydantic's.
_WANTED: dict[str, Callable[[dict[str, Any]], str]] = {
    "string_type": lambda _: "a text",
    "string_too_short": lambda c: f"a text of at least {_count(c['min_length'], 'character')}",
    "string_too_long": lambda c: f"a text of at most {_count(c['max_length'], 'character')}",
    "string_pattern_mismatch": lambda c: f"a text of the form {form_of(c['pattern'])}",
    "string_unicode": lambda _: "a text without broken characters",
    "blank": lambda _: "a text of which something can be seen",
    "no_number": lambda _: "a number",
    "no_whole_number": lambda _: "a whole number",
    "int_type": lambda _: "a whole number",
    "int_parsing": lambda _: "a whole number",
    "int_parsing_size": lambda _: "a whole number of fewer digits",
    "int_from_float": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "float_parsing": lambda _: "a number",
    "finite_number": lambda _: "a finite number",
    "greater_than": lambda c: f"a number greater than {c['gt']}",
    "greater_than_equal": lambda c: f"a number greater than or equal to {c['ge']}",
    "less_than": lambda c: f"a number less than {c['lt']}",
    "less_than_equal": lambda c: f"a number less than or equal to {c['le']}",
    "multiple_of": lambda c: f"a multiple of {c['multiple_of']}",
    "bool_type": lambda _: "true or false",
    "bool_parsing": lambda _: "true or false",
    "no_day": lambda _: "a day, such as 2026-11-24",
    "date_type": lambda _: "a day, such as 2026-11-24",
    "date_parsing": lambda _: "a day, such as 2026-11-24",
    "date_from_datetime_parsing": lambda _: "a day, such as 2026-11-24",
    "date_from_datetime_inexact": lambda _: "a day without a time, such as 2026-11-24",
    "tuple_type": lambda _: "a list, such as [a, b]",
    "list_type": lambda _: "a list, such as [a, b]",
    "too_few": lambda c: f"a list of {_count(c['most'], 'entry')}",
    "too_short": lambda c: f"a list of at least {_count(c['min_length'], 'entry')}",
    "too_long": lambda c: f"a list of at most {_count(c['max_length'], 'entry')}",
    "dict_type": lambda _: "fields, such as `name: value`",
    "mapping_type": lambda _: "fields, such as `name: value`",
    "model_type": lambda _: "fields, such as `name: value`",
    "model_attributes_type": lambda _: "fields, such as `name: value`",
    "literal_error": lambda c: _one_of(c["expected"]),
    "none_required": lambda _: "nothing",
}


def said(item: Any, node: yaml.Node | None) -> str:
    """One error of pydantic as a sentence; `node` is what was written, where that is known."""
    kind, value = item["type"], item["input"]
    if kind == "value_error":
        shown = isinstance(value, (str, int, float))
        return _own(item)[0] + (f" (found: {found(value, None)})" if shown else "")
    if kind == "invalid_key":
        return f"{found(value, None)} is no name of a field"
    if kind == "union_tag_not_found":
        return f"{_discriminator(item)} is missing; it says what this is"
    if kind == "union_tag_invalid":
        ctx = item["ctx"]
        return f"unknown {_discriminator(item)} {quoted(ctx['tag'])}"
    if kind in ("too_short", "too_long", "too_few"):
        return f"wanted: {wanted_by(item)}; found: {_count(len(value), 'entry')}"
    return f"wanted: {wanted_by(item)}; found: {found(value, node)}"


def said_of_all(items: Sequence[Any], node: yaml.Node | None) -> str:
    """Several errors of one field as one sentence: all that would have been right."""
    if items[0]["type"] in ("too_few", "value_error"):
        return said(items[-1], node)
    wanted = dict.fromkeys(wanted_by(item) for item in items)
    return f"wanted: {', or '.join(wanted)}; found: {found(items[0]['input'], node)}"


def wanted_by(item: Any) -> str:
    """What would have been right."""
    make = _WANTED.get(item["type"])
    return make(item.get("ctx") or {}) if make else "something else"


def fix_of(item: Any, node: yaml.Node | None) -> str:
    """What to do about it; empty where only general words are left (`plain_fixes`)."""
    kind, value = item["type"], item["input"]
    if kind == "value_error":
        return _own(item)[1]
    if kind == "invalid_key":
        return "names of fields are texts: put it in quotes"
    if kind == "union_tag_not_found":
        return f"add {_discriminator(item)}"
    if kind == "union_tag_invalid":
        return f"one of: {_choices(item['ctx']['expected_tags'])}"
    if kind in ("no_number", "no_whole_number") and isinstance(value, str):
        return "write a plain decimal number, without quotes"
    if kind == "literal_error":
        return _fix_choice(value, node, item["ctx"]["expected"])
    if kind.startswith("string_") and not isinstance(value, (str, list, dict, tuple)):
        return _fix_text(value, node)
    return ""


def _fix_text(value: Any, node: yaml.Node | None) -> str:
    if isinstance(node, yaml.ScalarNode) and node.value:
        return f"put it in quotes: {quoted(node.value)}"
    if value is None:
        return "write the text; one that begins with `#` must be put in quotes"
    return "put it in quotes"


def _fix_choice(value: Any, node: yaml.Node | None, expected: str) -> str:
    choices = _choices(expected).split(", ")
    written = node.value if isinstance(node, yaml.ScalarNode) else str(value)
    if isinstance(value, str):
        if written in choices:
            return "write it without quotes"
        close = difflib.get_close_matches(written, choices, n=1)
        return f"did you mean `{close[0]}`?" if close else ""
    return f"put it in quotes: {quoted(written)}" if written in choices else ""


def _discriminator(item: Any) -> str:
    return "`" + item["ctx"]["discriminator"].strip("'") + "`"


def _own(item: Any) -> tuple[str, str]:
    """Sentence and fix of our own validators; what stands behind the last semicolon is the fix."""
    error = item["ctx"]["error"]
    if isinstance(error, FieldError):
        return error.message, error.fix
    message, _, fix = str(error).rpartition("; ")
    return (message, fix) if message else (fix, "")


def _count(number: int, noun: str) -> str:
    many = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else many}"


def _one_of(expected: str) -> str:
    choices = _choices(expected)
    return f"one of {choices}" if "," in choices else choices


def _choices(expected: str) -> str:
    """pydantic's `'a', 'b' or 'c'` as `a, b, c`."""
    return expected.replace("'", "").replace(" or ", ", ")


def form_of(pattern: str) -> str:
    """What a pattern wants, by an example where one is known."""
    return _FORMS.get(pattern, f"`{pattern.removeprefix('^').removesuffix('$')}`")


_FORMS = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "`red-circle-2` (small letters, digits, single hyphens)",
    "^#[0-9a-fA-F]{6}$": "`#ffffff`, in quotes",
    r"^\d+:\d+$": "`1:1`, in quotes",
    "^gemini-[a-z0-9.-]+$": "`gemini-2.5-flash-image`",
    "^[A-Z][A-Z0-9_]*_API_KEY$": "`ACME_API_KEY`",
    r"^(math|flash|efficient|cudnn|diffusers:\w+)$":
        "math, flash, efficient, cudnn or `diffusers:NAME`",
}  # fmt: skip
