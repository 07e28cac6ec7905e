"""Hints at prompt syntax of other tools, which diffusers and hosted models take as plain words.

Forms of AUTOMATIC1111's web UI, its dynamic prompts extension, ComfyUI
and Midjourney. A hint is no problem: the prompt is used as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.prompts import PromptSet

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

#: What each form means where it comes from. Plain parentheses are ordinary writing, so none.
_FORMS = (
    (r"\([^()\n]*[^()\n\d\s]\s*:\s*\d?\.?\d+\s*\)", "a weight"),
    (r"\(\([^()\n]+\)\)|\[\[[^\[\]\n]+\]\]", "a weight"),
    (r"\[[^\[\]\n:|]*:[^\[\]\n:]*:\s*\d*\.?\d+\s*\]", "prompt editing"),
    (r"\[[^\[\]\n|]+(?:\|[^\[\]\n|]+)+\]", "words by turns"),
    (r"\[[^\[\]\n\d\"']+\]", "a smaller weight"),
    (r"<(?:lora|lyco|hypernet):[^<>\n]+>", "extra weights"),
    (r"\bembedding:\w[\w.-]*", "an embedding"),
    (r"\b__[\w/*-]+?__", "a wildcard"),
    (r"\{[^{}\n|]*\|[^{}\n]*\}", "a choice at random"),
    (r"(?<!\S)BREAK(?!\S)", "a new chunk"),
    (r"(?<=[a-z,.] )AND(?= [a-z])", "a combination of prompts"),
    (r"(?<!\S)--(?:ar|no|v|s|q|c|seed|style|stylize|chaos|niji|iw|cref|sref|tile|raw)\b[^\n]{0,8}",
     "a parameter of Midjourney"),
    (r"(?<=\w)::-?\d*\.?\d*(?!\w)", "a weight of Midjourney"),
)  # fmt: skip
_ANY = re.compile("|".join(f"(?P<f{i}>{form})" for i, (form, _) in enumerate(_FORMS)))
#: None of the forms is without one of these, so most prompts cost one look.
_SIGNS = re.compile(r"[(\[<{]|::|--|__|embedding:|BREAK|AND")


def foreign_syntax(text: str) -> tuple[str, str] | None:
    """`(what is written, what it means elsewhere)` of the first such form; None without one."""
    found = _ANY.search(text) if _SIGNS.search(text) else None
    if found is None or found.lastgroup is None:
        return None
    return found[0].strip(), _FORMS[int(found.lastgroup[1:])][1]


def hints(project: Project) -> list[Problem]:
    """A hint for each prompt of the endpoints in use that holds such a form, in order."""
    used = {name for e in project.usable_endpoints() for name in e.prompt_sets}
    return sorted(hint for name in used for hint in _in_set(project.prompt_sets[name]))


def _in_set(loaded: Loaded[PromptSet]) -> Iterator[Problem]:
    for i, prompt in enumerate(loaded.document.prompts):
        texts: list[tuple[tuple[str | int, ...], str]] = [(("prompts", i, "prompt"), prompt.prompt)]
        if prompt.edit:
            texts.append((("prompts", i, "edit", "prompt"), prompt.edit.prompt))
        for loc, text in texts:
            if found := foreign_syntax(text):
                yield problem_at(
                    loaded,
                    loc,
                    f"`{found[0][:60]}` is {found[1]} in other tools; local (diffusers) and hosted "
                    "models get it as plain words",
                    "say it in words, or leave it if it is meant so",
                )
