"""Numbers are numbers, booleans are booleans, and a text is one that can be seen.

pydantic would take `no` for 0.0, `yes` for 1 and 0 for a day of the year 1970.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError

#: A number as people write it. `1e-3` is text to YAML 1.1, and a number to everyone else.
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*|[0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?")
#: Letters that fonts draw as nothing, beside those that Unicode calls spaces or controls.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: spaces, controls, invisible characters, or none."""
    return all(
        unicodedata.category(c) in _BLANK_CATEGORIES
        or c in _BLANK_LETTERS
        or "\ufe00" <= c <= "\ufe0f"  # variation selectors change the letter before them
        or "\U000e0100" <= c <= "\U000e01ef"
        for c in text
    )


def _visible(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("blank", "the text is blank: nothing of it can be seen")
    return text


#: A text that shows something.
def _one_slot(text: str) -> str:
    if text.count("{prompt}") != 1:
        raise ValueError("must contain {prompt} exactly once")
    return text


#: A text with `{prompt}` in it, once.
Slotted = Annotated[str, AfterValidator(_one_slot)]
VisibleText = Annotated[str, StringConstraints(min_length=1), AfterValidator(_visible)]


def exact_scalars(schema: CoreSchema) -> CoreSchema:
    """A model's schema that takes no boolean for a number and no number for a boolean or a day.

    Unions are left alone: pydantic itself takes their member of the very same type.
    """
    exact: CoreSchema = _exact(schema)
    return exact


def _exact(part: Any) -> Any:
    if isinstance(part, list):
        return [_exact(item) for item in part]
    if not isinstance(part, dict) or part.get("type") == "union" or _is_ours(part):
        return part
    kind = part.get("type")
    if kind == "bool":
        return part | {"strict": True}
    if kind in ("int", "float"):
        return _before(_whole if kind == "int" else _number, part)
    if kind == "date":
        return _before(_day, part)
    return {key: value if key == "metadata" else _exact(value) for key, value in part.items()}


def _before(check: Any, schema: Any) -> Any:
    return {
        "type": "function-before",
        "function": {"type": "no-info", "function": check},
        "schema": schema,
    }


def _is_ours(part: dict[str, Any]) -> bool:
    function = part.get("function")
    return isinstance(function, dict) and function.get("function") in (_number, _whole, _day)


def reads_numbers(function: object) -> bool:
    """Whether a validator of a field is one of these that read numbers."""
    return function in (_number, _whole)


def _number(value: Any) -> Any:
    if _is_no_number(value):
        raise PydanticCustomError("no_number", "a number is wanted")
    return value


def _whole(value: Any) -> Any:
    if _is_no_number(value):
        raise PydanticCustomError("no_whole_number", "a whole number is wanted")
    return value


def _is_no_number(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and not DECIMAL.fullmatch(value))


def _day(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        raise PydanticCustomError("no_day", "a day is wanted, such as 2026-11-24")
    return value
