"""What to do after `imgassets validate`: a line for each kind of verdict, three at most."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from imgassets.documents.project import Project
from imgassets.flows import in_brackets
from imgassets.refresh.extra_seeds import images_to_add, why_not
from imgassets.refresh.selection import Selection

if TYPE_CHECKING:
    from imgassets.decision import Verdict

#: What stands in the way comes first.
_ORDER = ("NO-GO", "INCONCLUSIVE", "REVIEW", "GO")
_MOST_LINES, _NAMED = 3, 3


def next_steps(
    project: Project, selection: Selection, verdicts: Sequence[Verdict], device: str
) -> list[str]:
    """Lines for a person.

    Args:
        project: the documents.
        selection: what was asked for; a command that is proposed asks for the same.
        verdicts: of it.
        device: class of device that images would be made on.
    """
    lines = []
    for word in _ORDER:
        found = [v for v in verdicts if v.verdict == word]
        # Against itself the model in production has nothing to win.
        found = [v for v in found if v.model != v.incumbent] if word == "GO" else found
        for advice, theirs in _by_advice(word, project, selection, found, device):
            lines.append(f"{word} {_names(theirs)}: {advice}")
    return lines[:_MOST_LINES]


def _by_advice(
    word: str, project: Project, selection: Selection, found: Sequence[Verdict], device: str
) -> Iterator[tuple[str, Sequence[Verdict]]]:
    """What to do about verdicts of one kind, and about which of them."""
    if not found:
        return
    if word != "INCONCLUSIVE":
        yield _advice(word, project, selection, found), found
        return
    by_seeds = [v for v in found if not why_not(project, v)]
    if by_seeds:
        yield _more_seeds(project, selection, by_seeds, device), by_seeds
    by_other = [v for v in found if v not in by_seeds]
    planned = [v for v in by_other if v.needed_prompts or _labelled(v)]
    if planned:
        hardest = max(planned, key=lambda verdict: verdict.needed_prompts or 0)
        yield why_not(project, hardest), planned
    if rest := [v for v in by_other if v not in planned]:
        yield "no number of images would settle it; the sentence above says what would", rest


def _advice(word: str, project: Project, selection: Selection, found: Sequence[Verdict]) -> str:
    where = "the report" if not selection.models else "the report (`imgassets validate` writes it)"
    if word == "NO-GO":
        return f"look at {_criterion(found[0])} in {where}, section {found[0].model}"
    if word == "REVIEW":
        first = found[0].review_reasons[0] if found[0].review_reasons else _criterion(found[0])
        asked = ["imgassets", "review", "--endpoint", found[0].endpoint, "--model", found[0].model]
        whose = " of the first" if len(found) > 1 else ""
        return f"`{shlex.join(asked)}` shows a person the pairs{whose}: {first}"
    files = ", ".join(dict.fromkeys(str(project.endpoints[v.endpoint].file) for v in found))
    return f"read {where}; to swap, exchange incumbent and candidate in {files} (makes no image)"


def _more_seeds(
    project: Project, selection: Selection, found: Sequence[Verdict], device: str
) -> str:
    named = [("--endpoint", e) for e in selection.endpoints]
    named += [("--model", m) for m in selection.models]
    command = shlex.join(["imgassets", "validate", "--add-seeds", *chain(*named)])
    images = images_to_add(project, found, device)
    return f"`{command}` makes {images:,} more images and judges again"


def _labelled(verdict: Verdict) -> bool:
    return any("labelled" in criterion for criterion in verdict.criteria)


def _criterion(verdict: Verdict) -> str:
    """The criterion that decided, as the report calls it."""
    named = {c["criterion"]: c for c in verdict.criteria}
    first = named.get(verdict.decided_by[0]) if verdict.decided_by else None
    return f"{first['metric']}{in_brackets(first['flow'])}" if first else "the criteria"


def _names(found: Sequence[Verdict]) -> str:
    names = [f"{v.endpoint}/{v.model}" for v in found]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
