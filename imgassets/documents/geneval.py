"""GenEval's `evaluation_metadata.jsonl` as a prompt set, exactly as it is published.

Format: one JSON object a line, `{"tag", "include": [{"class", "count", "color"?, "position"?}],
"exclude"?: [{"class", "count"}], "prompt"}`; prompt ids are line numbers as GenEval's folders
number them (`00000`). Source: djghosh13/geneval, `prompts/` and `evaluation/`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from imgassets.documents.json_lines import WANTED, ProblemWords, parsed, read_json_lines
from imgassets.documents.problems import InvalidDocumentsError, Problem, dotted, explained
from imgassets.documents.prompts import ObjectExpectation, Prompt, PromptSet
from imgassets.documents.yamlfile import YamlFile

_OBJECT_FIELDS = {f.alias or name for name, f in ObjectExpectation.model_fields.items()}


def geneval_prompt(index: int, row: dict[str, Any]) -> Prompt:
    """One line of the file. Unknown fields are ignored, as GenEval's own code ignores them.

    Raises:
        ValidationError: a field is missing or has the wrong form.
    """
    return Prompt.model_validate(_document(index, row))


def read_geneval(path: Path) -> PromptSet:
    """Read a GenEval metadata file (JSON lines, or one JSON object a file as in result folders).

    Raises:
        InvalidDocumentsError: with every bad line.
    """
    return read_with_lines(path)[0]


def read_with_lines(path: Path) -> tuple[PromptSet, tuple[int, ...]]:
    """The same, with the line (from 1) that each prompt stands in. Raises as `read_geneval`."""
    problems: list[Problem] = []
    prompts: list[Prompt] = []
    lines: list[int] = []
    for index, (number, line) in enumerate(read_json_lines(path)):
        row = parsed(line)
        if isinstance(row, ProblemWords):
            where = number + row.below
            problems.append(Problem(str(path), where, "", str(row), "one JSON object a line"))
        elif not isinstance(row, dict):
            problems.append(Problem(str(path), number, "", "not a JSON object", WANTED))
        else:
            try:
                prompts.append(geneval_prompt(index, row))
                lines.append(number)
            except ValidationError as error:
                problems += _problems(path, (number, line), _document(index, row), error)
    if problems:
        raise InvalidDocumentsError(problems)
    return PromptSet(prompt_set=set_name(path), prompts=tuple(prompts)), tuple(lines)


def field_of_line(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """A field of a prompt set as a line of the file calls it: `include[0].class`."""
    inner = loc[2:] if loc[:1] == ("prompts",) else loc
    return inner[1:] if inner[:1] == ("expect",) else inner


def set_name(path: Path) -> str:
    """What a prompt set is called whose file gives no name: the file's, in our alphabet."""
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower())[:64].strip("-")
    return name or "geneval"


def _document(index: int, row: dict[str, Any]) -> dict[str, Any]:
    """A row as a prompt document, with what GenEval does not know left out."""
    document: dict[str, Any] = {
        "id": f"{index:05d}",
        "expect": {part: _objects(row.get(part, [])) for part in ("include", "exclude")},
        "tags": (str(row["tag"]),) if "tag" in row else (),
    }
    return document | ({"prompt": row["prompt"]} if "prompt" in row else {})


def _objects(given: Any) -> Any:
    if not isinstance(given, list):
        return given
    return [
        {k: v for k, v in item.items() if k in _OBJECT_FIELDS} if isinstance(item, dict) else item
        for item in given
    ]


def _problems(path: Path, at: tuple[int, str], data: Any, error: ValidationError) -> list[Problem]:
    number, text = at
    return [
        Problem(
            str(path),
            number + _below(text, field_of_line(f)),
            dotted(field_of_line(f)),
            message,
            fix,
        )
        for field, message, fix in explained(error, Prompt, data)
        for f in [field or ("",)]
    ]


def _below(text: str, field: tuple[str | int, ...]) -> int:
    """How many lines below the first a field of an object stands; JSON is YAML too."""
    if "\n" not in text:
        return 0
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return 0
    return 0 if root is None else YamlFile(None, root).line(field) - 1
