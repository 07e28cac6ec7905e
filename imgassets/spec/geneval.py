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

from imgassets.spec.problems import InvalidDocuments, Problem, dotted
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
        InvalidDocuments: with every bad line.
    """
    problems: list[Problem] = []
    prompts: list[Prompt] = []

    def report(line: int, where: str, message: str, fix: str) -> None:
        problems.append(Problem(str(path), line, where, message, fix))

    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            prompts.append(geneval_prompt(len(prompts), json.loads(line)))
        except json.JSONDecodeError as error:
            report(number, "", f"not JSON: {error.msg}", "one JSON object a line")
        except KeyError as error:
            report(number, str(error.args[0]), "required field is missing", "add it")
        except ValidationError as error:
            for item in error.errors(include_url=False):
                report(number, dotted(item["loc"]), item["msg"], "use GenEval's form")
        except (AttributeError, TypeError):
            report(number, "", "not a JSON object", "one JSON object a line")
    if not prompts and not problems:
        report(1, "", "the prompt set is empty", "add at least one prompt")
    if problems:
        raise InvalidDocuments(problems)
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "geneval"
    return PromptSet(prompt_set=name, prompts=tuple(prompts))
