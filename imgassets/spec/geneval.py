"""GenEval's `evaluation_metadata.jsonl` as a prompt set, exactly as it is published.

Format: one JSON object a line, `{"tag", "include": [{"class", "count", "color"?, "position"?}],
"exclude"?: [{"class", "count"}], "prompt"}`; prompt ids are line numbers as GenEval's folders
number them (`00000`). Source: djghosh13/geneval, `prompts/` and `evaluation/`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imgassets.spec.problems import InvalidDocumentsError, Problem, dotted
from imgassets.spec.prompts import Expectation, Prompt, PromptSet


def geneval_prompt(index: int, row: dict[str, Any]) -> Prompt:
    """One line of the file. Unknown fields are ignored, as GenEval's own code ignores them.

    Raises:
        ValidationError: a field has the wrong form.
        KeyError: there is no prompt.
    """
    expect = Expectation.model_validate(
        {"include": row.get("include", []), "exclude": row.get("exclude", [])}
    )
    tags = (str(row["tag"]),) if "tag" in row else ()
    return Prompt(id=f"{index:05d}", prompt=row["prompt"], expect=expect, tags=tags)


def read_geneval(path: Path) -> PromptSet:
    """Read a GenEval metadata file (JSON lines, or one JSON object a file as in result folders).

    Raises:
        InvalidDocumentsError: with every bad line.
    """
    problems: list[Problem] = []
    prompts: list[Prompt] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        parsed = _parse_line(path, number, line, len(prompts))
        if isinstance(parsed, Prompt):
            prompts.append(parsed)
        else:
            problems += parsed
    if not prompts and not problems:
        problems = [Problem(str(path), 1, "", "the prompt set is empty", "add at least one prompt")]
    if problems:
        raise InvalidDocumentsError(problems)
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "geneval"
    return PromptSet(prompt_set=name, prompts=tuple(prompts))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        what, fix = error.strerror or str(error), "make the file readable"
    except UnicodeDecodeError:
        what, fix = "not UTF-8 text", "save the file as UTF-8"
    raise InvalidDocumentsError([Problem(str(path), 1, "", what, fix)])


def _parse_line(path: Path, number: int, line: str, index: int) -> Prompt | list[Problem]:
    def problem(where: str, message: str, fix: str) -> Problem:
        return Problem(str(path), number, where, message, fix)

    try:
        return geneval_prompt(index, json.loads(line))
    except json.JSONDecodeError as error:
        return [problem("", f"not JSON: {error.msg}", "one JSON object a line")]
    except KeyError as error:
        return [problem(str(error.args[0]), "required field is missing", "add it")]
    except ValidationError as error:
        found = error.errors(include_url=False)
        return [problem(dotted(e["loc"]), e["msg"], "use GenEval's form") for e in found]
    except (AttributeError, TypeError):
        return [problem("", "not a JSON object", "one JSON object a line")]
    except (RecursionError, ValueError) as error:  # nested too deep, or a number too long
        return [problem("", f"not JSON: {type(error).__name__}", "one JSON object a line")]
