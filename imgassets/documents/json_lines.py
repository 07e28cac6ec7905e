"""JSON lines as they come: any line break, any legal character, a byte-order mark; or what it is.

Lines end at `\\n`, `\\r\\n` or `\\r` alone. Other separators (U+2028, U+2029, NEL) are legal within
a JSON text, so nothing is split at them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from imgassets.documents.text_files import read_text, refused

WANTED = (
    'give one JSON object a line, such as {"tag": "colors", "include": [{"class": "circle", '
    '"count": 1, "color": "red"}], "prompt": "a red circle"}; or a prompt set in YAML'
)
_FIRST_LINES = (
    (re.compile(r"\s*\["), "a JSON array"),
    (re.compile(r"\s*<"), "HTML or XML"),
    (re.compile(r".*\t"), "a table with tabs (TSV)"),
    (re.compile(r"---|- |[\w-]+\s*:(\s|$)|%YAML"), "YAML; call the file NAME.yaml"),
    (re.compile(r".*,"), "a table with commas (CSV)"),
)
_WORDS = {
    "Extra data": "something follows the object",
    "Invalid control character at": "a raw control character in a text; write it as \\uXXXX",
    "Unterminated string starting at": "a text without its closing quote",
    "Expecting value": "a value is missing",
}


def read_json_lines(path: Path) -> list[tuple[int, str]]:
    """`(1-based line, text)` of every line that is not blank; a file that is one object is one.

    Raises:
        InvalidDocumentsError: unreadable, not UTF-8, or another format; in one line, by its name.
    """
    text = read_text(path, "JSON lines", WANTED)
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise refused(path, "the prompt set is empty", "add at least one prompt")
    if not lines[0][1].lstrip().startswith("{"):
        what = next((n for first, n in _FIRST_LINES if first.match(lines[0][1])), "plain text")
        raise refused(path, f"not JSON lines but {what}", WANTED)
    first = parsed(lines[0][1])
    if len(lines) > 1 and not isinstance(first, dict) and isinstance(parsed(text), dict):
        return [(lines[0][0], text)]  # spread over several lines
    return lines


def parsed(text: str) -> Any:
    """The value of a JSON text; a `ProblemWords` where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return ProblemWords(f"not JSON: {_WORDS.get(error.msg, error.msg)}, column {error.colno}")
    except (RecursionError, ValueError):
        return ProblemWords("not JSON: nested too deep, or a number too long")


class ProblemWords(str):
    """Why a line is no JSON."""

    __slots__ = ()
