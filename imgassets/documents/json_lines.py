"""JSON lines as they come: any line break, any legal character, a byte-order mark; or what it is.

Lines end at `\\n`, `\\r\\n` or `\\r` alone. Other separators (U+2028, U+2029, NEL) are legal within
a JSON text, so nothing is split at them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from imgassets.documents.problems import InvalidDocumentsError, Problem

WANTED = (
    'give one JSON object a line, such as {"tag": "colors", "include": [{"class": "circle", '
    '"count": 1, "color": "red"}], "prompt": "a red circle"}; or a prompt set in YAML'
)
_FIRST_BYTES = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"PK\x03\x04", "a zip archive or spreadsheet"),
    (b"\xff\xfe", "UTF-16 text; save the file as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save the file as UTF-8"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself (`git lfs pull`)"),
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
    text = _text(path)
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise _refused(path, "the prompt set is empty", "add at least one prompt")
    if not lines[0][1].lstrip().startswith("{"):
        what = next((n for first, n in _FIRST_LINES if first.match(lines[0][1])), "plain text")
        raise _refused(path, f"not JSON lines but {what}")
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


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            what = next((n for first, n in _FIRST_BYTES if head.startswith(first)), None)
            if what is None and b"\0" in head:
                what = "binary data, or text with two bytes a letter (UTF-16)"
            if what is not None:
                raise _refused(path, f"not JSON lines but {what}")
            data = head + file.read()
    except OSError as error:
        raise _refused(path, error.strerror or str(error), "make the file readable") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, "not UTF-8 text", "save the file as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refused(path: Path, message: str, fix: str = WANTED) -> InvalidDocumentsError:
    return InvalidDocumentsError([Problem(str(path), 1, "", message, fix)])
