"""Whether judges know the words of the prompt sets, and the reader their letters.

Asked before anything is made: a class or a letter they do not know can never be found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.project import Loaded, Project
from imgassets.documents.prompts import Expectation, PromptSet
from imgassets.judges.detector_classes import COLOR_NAMES
from imgassets.judges.known_words import KnownWords, known_words
from imgassets.judges.ocr_letters import in_words, unreadable

#: Where a field is in a prompt set.
Place = tuple[str | int, ...]
_FAMILY = "composition"


def all_problems(project: Project) -> list[Problem]:
    """Everything wrong with a project's documents, as `imgassets check` tells it."""
    return [*project.problems, *unknown_words(project)]


def unknown_words(project: Project) -> list[Problem]:
    """A problem for each class or color an endpoint's judge cannot find, and each text no reader.

    Only prompt sets an endpoint uses are looked at; others may be meant for `imgassets score`. Of a
    set that endpoints with different judges use, each judge is asked.
    """
    asked: dict[tuple[str, str], list[str]] = {}
    for endpoint in project.usable_endpoints():
        for name in endpoint.prompt_sets:
            judge = endpoint.judges_used[_FAMILY]
            asked.setdefault((name, judge), []).append(endpoint.endpoint)
    judges = {
        name: words
        for name, loaded in project.judges.items()
        if (words := known_words(project.root, loaded.document)) is not None
    }
    return sorted(
        {
            problem
            for (name, judge), endpoints in asked.items()
            for loaded in [project.prompt_sets[name]]
            for problem in (
                *_of_judge(loaded, judge, endpoints, judges),
                *_of_all(loaded),
            )
        }
    )


def _of_judge(
    loaded: Loaded[PromptSet],
    judge: str,
    endpoints: Sequence[str],
    judges: Mapping[str, KnownWords],
) -> Iterator[Problem]:
    """Words that a judge of composition does not know."""
    own = judges.get(judge)
    if own is None:  # `references` tells
        return
    for loc, expect in _expectations(loaded.document):
        for where, what, word in _words(expect):
            if own.knows(what, word):
                continue
            fix = own.closest(what, word)
            others = [name for name, words in judges.items() if words.knows(what, word)]
            if others:
                lines = " or ".join(f"`judges: {{{_FAMILY}: {name}}}`" for name in others)
                fix += f"; or name a judge that knows it in {', '.join(endpoints)}: {lines}"
            message = f"judge {judge} does not know {word!r}"
            yield problem_at(loaded, (*loc, *where), message, fix)


def _of_all(loaded: Loaded[PromptSet]) -> Iterator[Problem]:
    """Backgrounds that no judge knows, and texts with letters that OCR does not know."""
    for loc, expect in _expectations(loaded.document):
        if expect.background is not None and expect.background not in COLOR_NAMES:
            yield problem_at(
                loaded,
                (*loc, "background"),
                f"no judge knows the color {expect.background!r}",
                f"use one of: {', '.join(COLOR_NAMES)}",
            )
        if missing := unreadable(expect.text or ""):
            yield problem_at(
                loaded,
                (*loc, "text"),
                f"the reader has no letters for {in_words(missing)}, so no image can be "
                "judged by this text",
                "take `text` out, and look at these images yourself",
            )


def _expectations(prompts: PromptSet) -> Iterator[tuple[Place, Expectation]]:
    for i, prompt in enumerate(prompts.prompts):
        yield ("prompts", i, "expect"), prompt.expect
        if prompt.edit:
            yield ("prompts", i, "edit", "expect"), prompt.edit.expect


def _words(expect: Expectation) -> Iterator[tuple[Place, str, str]]:
    """Field, what it names (`class` or `color`), and the word."""
    for part, wanted in (("include", expect.include), ("exclude", expect.exclude)):
        for i, item in enumerate(wanted):
            yield (part, i, "class"), "class", item.class_
            if item.color is not None:
                yield (part, i, "color"), "color", item.color
