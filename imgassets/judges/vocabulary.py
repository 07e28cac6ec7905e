"""Whether judges know the words of the prompt sets, and the reader their letters.

Asked before anything is made: a class or a letter they do not know can never be found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from imgassets.documents.contract import Endpoint
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
    set that endpoints with different judges use, each judge is asked. Endpoints that hold models to
    nothing of the kind are left out: `hints` tells of these.
    """
    return sorted(set(_unknown(project, decided=True)))


def hints(project: Project) -> list[Problem]:
    """The same of endpoints that decide on other things: such prompts serve them all the same."""
    told = set(unknown_words(project))
    return sorted(
        replace(problem, message=f"{problem.message}; nothing is decided by it")
        for problem in set(_unknown(project, decided=False)) - told
    )


def _unknown(project: Project, *, decided: bool) -> Iterator[Problem]:
    judges = {
        name: words
        for name, loaded in project.judges.items()
        if (words := known_words(project.root, loaded.document)) is not None
    }
    asked: dict[tuple[str, str], list[str]] = {}
    read: set[str] = set()
    for endpoint in project.usable_endpoints():
        for name in endpoint.prompt_sets:
            if (_FAMILY in _decides_on(endpoint)) == decided:
                judge = endpoint.judges_used[_FAMILY]
                asked.setdefault((name, judge), []).append(endpoint.endpoint)
            if ("typography" in _decides_on(endpoint)) == decided:
                read.add(name)
    for (name, judge), endpoints in asked.items():
        loaded = project.prompt_sets[name]
        yield from _of_judge(loaded, judge, endpoints, judges)
        yield from _backgrounds(loaded)
    for name in read:
        yield from _texts(project.prompt_sets[name])


def _decides_on(endpoint: Endpoint) -> set[str]:
    """Metric families that a criterion or a review of a contract speaks of."""
    metrics = [c.metric for c in endpoint.all_criteria]
    metrics += [metric for d in endpoint.review.disagree for metric in d.metrics]
    return {metric.partition(".")[0] for metric in metrics}


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


def _backgrounds(loaded: Loaded[PromptSet]) -> Iterator[Problem]:
    """Backgrounds that no judge knows."""
    for loc, expect in _expectations(loaded.document):
        if expect.background is not None and expect.background not in COLOR_NAMES:
            yield problem_at(
                loaded,
                (*loc, "background"),
                f"no judge knows the color {expect.background!r}",
                f"use one of: {', '.join(COLOR_NAMES)}",
            )


def _texts(loaded: Loaded[PromptSet]) -> Iterator[Problem]:
    """Texts with letters that OCR does not know."""
    for loc, expect in _expectations(loaded.document):
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
