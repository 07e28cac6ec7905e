"""Prompt sets as people have them: one function reads them all and tells the formats apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from imgassets.documents.geneval import read_geneval, set_name
from imgassets.documents.plain_rows import MOST_PROMPTS, Row, prompt_set_of
from imgassets.documents.project import read_document
from imgassets.documents.prompt_tables import has_header, table_rows
from imgassets.documents.prompts import PromptSet
from imgassets.documents.text_files import read_text, refused

_YAML_FIELD = re.compile(r"^(prompt_set|prompts|transforms)\s*:", re.MULTILINE)
_WANTED = (
    "give a prompt set in YAML, GenEval's JSON lines, a table (TSV or CSV) with a column `prompt`, "
    "one prompt a line, or a folder of text files"
)
_BY_SUFFIX = {".yaml": "yaml", ".yml": "yaml", ".jsonl": "geneval", ".json": "geneval",
              ".tsv": "table", ".csv": "table"}  # fmt: skip


class PromptFormat(StrEnum):
    """How prompts are written down."""

    YAML = "yaml"
    GENEVAL = "geneval"
    TABLE = "table"
    LINES = "lines"
    FOLDER = "folder"


def read_prompt_set(path: Path, form: PromptFormat | None = None) -> PromptSet:
    """A prompt set of any format, from any place.

    YAML is our own; GenEval's JSON lines keep their line numbers as ids. A table has a column of
    prompts (PartiPrompts, DrawBench). A text file has one prompt a line (T2I-CompBench). Of a
    folder each text file is one prompt (DPG-Bench), or, where a file has several lines, each line
    is one, tagged with the file's name. Prompts without an id get one from their words.

    Args:
        path: a file, or a folder of text files.
        form: its format; told from name and contents if None.

    Raises:
        InvalidDocumentsError: with every problem found.
    """
    form = form or format_of(path)
    if form is PromptFormat.YAML:
        return read_document(path, PromptSet)
    if form is PromptFormat.GENEVAL:
        return read_geneval(path)
    if form is PromptFormat.FOLDER:
        return prompt_set_of(path, list(_rows_of_folder(path)))
    text = read_text(path, "a file of prompts", _WANTED)
    rows = table_rows(path, text) if form is PromptFormat.TABLE else list(_lines(path, text))
    return prompt_set_of(path, rows)


def format_of(path: Path) -> PromptFormat:
    """The format of a file or folder, by its name, else by how it begins.

    Raises:
        InvalidDocumentsError: no such file, or no text.
    """
    if path.is_dir():
        return PromptFormat.FOLDER
    if not path.is_file():
        raise refused(path, "no such file", "check the path")
    if known := _BY_SUFFIX.get(path.suffix.lower()):
        return PromptFormat(known)
    text = read_text(path, "a file of prompts", _WANTED)
    first = text.lstrip().partition("\n")[0]
    if first.startswith("{"):
        return PromptFormat.GENEVAL
    if _YAML_FIELD.search(text):
        return PromptFormat.YAML
    return PromptFormat.TABLE if has_header(first) else PromptFormat.LINES


def _lines(path: Path, text: str) -> Iterator[Row]:
    if text.lstrip().startswith(("[", "<")):
        what = "a JSON array" if text.lstrip().startswith("[") else "HTML or XML"
        raise refused(path, f"not a file of prompts but {what}", _WANTED)
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Row(number, line.strip())


def _rows_of_folder(folder: Path) -> Iterator[Row]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".txt" and p.is_file())
    if not files:
        raise refused(folder, "no text file (*.txt) in this folder", _WANTED)
    if len(files) > MOST_PROMPTS:
        raise refused(folder, f"{len(files)} text files", "take a sample of them")
    read = {path: list(_lines(path, read_text(path, "a prompt", _WANTED))) for path in files}
    one_each = all(len(rows) <= 1 for rows in read.values())
    for path, rows in read.items():
        if not rows:
            raise refused(path, "the file is empty", "write the prompt, or remove the file")
        for row in rows:
            name, tags = (set_name(path), ()) if one_each else ("", (path.stem,))
            yield Row(row.line, row.prompt, name, tags, "", path)
