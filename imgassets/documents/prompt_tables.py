"""Prompts in a table: PartiPrompts' TSV, DrawBench's CSV, or any with a column of prompts.

PartiPrompts has the columns `Prompt, Category, Challenge, Note` (google-research/parti), DrawBench
`Prompts, Category` (Imagen's sheet, saved as CSV).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from imgassets.documents.plain_rows import Row
from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.text_files import refused

_PROMPT = ("prompt", "prompts", "caption", "text")
_ID = ("id", "prompt_id")
#: Columns whose words become tags.
_TAGS = ("category", "challenge", "tag")
_FIX = "give a table with a header line that names a column `prompt` (and, if you like, `category`)"


def has_header(line: str) -> bool:
    """Whether a line names the columns of a table of prompts, with commas, tabs or semicolons."""
    cells = names_of(line, delimiter_of(line))
    return len(cells) > 1 and any(name in cells for name in _PROMPT)


def table_rows(path: Path, text: str) -> list[Row]:
    """Every line of the table.

    Raises:
        InvalidDocumentsError: no such column, or lines that do not fit the header; all of them.
    """
    first = text.lstrip("\n").partition("\n")[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else delimiter_of(first)
    names = names_of(first, delimiter)
    column = next((names.index(name) for name in _PROMPT if name in names), None)
    if column is None:
        shown = ", ".join(name for name in names[:8] if name)
        raise refused(path, f"no column of prompts; the first line names: {shown}", _FIX)
    problems: list[Problem] = []
    rows: list[Row] = []
    for line, cells in list(table_lines(path, text, delimiter))[1:]:
        if len(cells) > len(names):
            message = f"{len(cells)} columns where the header names {len(names)}"
            problems.append(Problem(str(path), line, "", message, _quote(delimiter)))
        elif len(cells) > column:
            rows.append(_row(line, dict(zip(names, cells, strict=False)), names[column]))
        else:
            message = f"no column `{names[column]}` in this line"
            problems.append(Problem(str(path), line, names[column], message, "write the prompt"))
    if problems:
        raise InvalidDocumentsError(problems)
    return rows


def _row(line: int, cells: dict[str, str], column: str) -> Row:
    named = next((cells[name].strip() for name in _ID if cells.get(name)), "")
    tags = tuple(cells[name].strip() for name in _TAGS if cells.get(name, "").strip())
    return Row(line, cells[column].strip(), named, tags, column)


def table_lines(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """`(1-based line, cells)` of every line that is not blank; a quoted cell may hold several."""
    # PartiPrompts' cells hold quotes as they are: `"G I G G L E" painted in thick lettering`.
    rows = io.StringIO(text, newline="")
    reader = (
        csv.reader(rows, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        if delimiter == "\t"
        else csv.reader(rows, delimiter=delimiter)
    )
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise refused(path, f"not a table: {error}", _quote(delimiter), start) from error


def delimiter_of(line: str) -> str:
    """What stands between the cells of a line: tab, comma or semicolon."""
    return max("\t,;", key=line.count)


def names_of(line: str, delimiter: str) -> list[str]:
    """The columns that a header line names, in lower case."""
    return [cell.strip().strip('"').lower() for cell in line.split(delimiter)]


def _quote(delimiter: str) -> str:
    what = {"\t": "tab", ",": "comma", ";": "semicolon"}[delimiter]
    return f"put a cell that holds a {what} in quotes, or take the {what} out"
