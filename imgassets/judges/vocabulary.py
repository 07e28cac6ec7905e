"""Whether the detector knows the words of the prompt sets, and the reader their letters.

Asked before anything is made: a class or a letter they do not know can never be found.
"""

from __future__ import annotations

from collections.abc import Iterator

from imgassets.documents.problems import Problem, dotted
from imgassets.documents.project import Loaded, Project
from imgassets.documents.prompts import Expectation, PromptSet
from imgassets.judges.detector_classes import COLOR_NAMES, SHAPES
from imgassets.judges.ocr_letters import in_words, unreadable


def all_problems(project: Project) -> list[Problem]:
    """Everything wrong with a project's documents, as `imgassets check` tells it."""
    return [*project.problems, *unknown_words(project)]


def unknown_words(project: Project) -> list[Problem]:
    """A problem for each class or color no detector could ever find, and each text no reader.

    Only prompt sets an endpoint uses are looked at; others may be meant for `imgassets score`.
    """
    used = {name for e in project.usable_endpoints() for name in e.prompt_sets}
    return sorted(problem for name in used for problem in _in_prompt_set(project.prompt_sets[name]))


def _in_prompt_set(loaded: Loaded[PromptSet]) -> Iterator[Problem]:
    for i, prompt in enumerate(loaded.document.prompts):
        expected: list[tuple[tuple[str | int, ...], Expectation]] = [
            (("prompts", i, "expect"), prompt.expect)
        ]
        if prompt.edit:
            expected.append((("prompts", i, "edit", "expect"), prompt.edit.expect))
        for loc, expect in expected:
            for where, word, known in _words(expect):
                if word not in known:
                    field = (*loc, *where)
                    yield Problem(
                        str(loaded.file),
                        loaded.line(*field),
                        dotted(field),
                        f"the detector does not know {word!r}",
                        f"use one of: {', '.join(known)}",
                    )
            if missing := unreadable(expect.text or ""):
                field = (*loc, "text")
                yield Problem(
                    str(loaded.file),
                    loaded.line(*field),
                    dotted(field),
                    f"the reader has no letters for {in_words(missing)}, so no image can be "
                    "judged by this text",
                    "take `text` out, and look at these images yourself",
                )


def _words(expect: Expectation) -> Iterator[tuple[tuple[str | int, ...], str, tuple[str, ...]]]:
    for part, wanted in (("include", expect.include), ("exclude", expect.exclude)):
        for i, item in enumerate(wanted):
            yield (part, i, "class"), item.class_, SHAPES
            if item.color is not None:
                yield (part, i, "color"), item.color, COLOR_NAMES
    if expect.background is not None:
        yield ("background",), expect.background, COLOR_NAMES
