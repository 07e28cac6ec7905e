"""JSON lines as they come: any line break, any legal character, a byte-order mark; or what it is.

Lines end at `\\n`, `\\r\\n` or `\\r` alone. Other separators (U+2028, U+2029, NEL) are legal within
a JSON text, so nothing is split at them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """`(1-based line, text)` of every line that is not blank.

    An object that is spread over several lines is one, with the line it begins in.

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
    return list(_whole_objects(lines))


def _whole_objects(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines that are objects; those up to the next `{` at a line's start belong to one that is not.

    So an object with a mistake is one problem, and not one a line.
    """
    start = 0
    while start < len(lines):
        number, text = lines[start]
        stop = start + 1
        if not text.rstrip().endswith("}"):
            while stop < len(lines) and not lines[stop][1].startswith("{"):
                stop += 1
        blank = [lines[i][0] - lines[i - 1][0] for i in range(start + 1, stop)]
        parts = ("\n" * gap + lines[start + 1 + i][1] for i, gap in enumerate(blank))
        yield number, text + "".join(parts)
        start = stop


def parsed(text: str) -> Any:
    """The value of a JSON text; a `ProblemWords` where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        words = f"not JSON: {_WORDS.get(error.msg, error.msg)}, column {error.colno}"
        return ProblemWords(words, error.lineno - 1)
    except (RecursionError, ValueError):
        return ProblemWords("not JSON: nested too deep, or a number too long")


@dataclass(frozen=True)
class ProblemWords:
    """Why a text is no JSON, and how many lines below its first."""

    words: str
    below: int = 0

    def __str__(self) -> str:
        return self.words
