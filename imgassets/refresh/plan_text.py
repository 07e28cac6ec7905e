"""A plan as a person reads it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from imgassets.flows import FLOWS
from imgassets.refresh.plan import Plan

_WIDTH = 100


def plan_in_words(plan: Plan) -> str:
    """Each reason once, with the assets it makes anew, a line a branch; then what it costs."""
    if not plan.assets:
        return "everything is up to date"
    lines = [line for why, keys in _by_reason(plan).items() for line in _reason(why, keys, plan)]
    return "\n".join([*lines, "", _cost(plan)])


def _by_reason(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, why in plan.assets.items():
        found.setdefault(re.sub(r"^follows \S+: ", "", why), []).append(key)
    return found


def _reason(why: str, keys: list[str], plan: Plan) -> Iterator[str]:
    yield f"{why}  ({len(keys)} asset{'s' * (len(keys) > 1)})"
    must = [key for key in keys if key in plan.must]
    yield from _branches(must, "")
    yield from _branches((key for key in keys if key not in plan.must), ", if that differs")


def _branches(keys: Iterable[str], when: str) -> Iterator[str]:
    stages: dict[str, list[str]] = {}
    for key in keys:
        branch, _, stage = key.rpartition("/")
        stages.setdefault(branch, []).append(stage)
    for branch, names in stages.items():
        yield textwrap.fill(
            f"{branch}{when}: {', '.join(names)}",
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _cost(plan: Plan) -> str:
    made = f"{len(plan.must)} asset(s) to make, {len(plan.follow)} more if what is above differs"
    total = plan.total_seconds
    known = [s for s in (plan.seconds, plan.score_seconds) if s is not None]
    least = f"more than {duration(sum(known) + plan.other_seconds)}; the rest was never measured"
    every = least if total is None else f"about {duration(total)}"
    images, scores = _images(plan), _scores(plan)
    return f"{made}\n{images}\n{scores}\nin all {every}"


def _images(plan: Plan) -> str:
    """Images to make, how long that takes, and what it costs."""
    if not any(plan.images.values()):
        return "no image to make"
    flows = ", ".join(f"{plan.images[flow]} to {flow}" for flow in FLOWS if plan.images.get(flow))
    seconds = "unknown time" if plan.seconds is None else f"about {duration(plan.seconds)}"
    usd = "unknown cost" if plan.usd is None else f"{plan.usd:.6f} USD"
    return f"images: {flows}; {seconds}, {usd}"


def _scores(plan: Plan) -> str:
    """Images that each family is to look at, and how long that takes."""
    if not plan.scores:
        return "no image to score"
    families = ", ".join(f"{count} by {family}" for family, count in plan.scores.items())
    seconds = plan.score_seconds
    return f"images to score: {families}; " + (
        "unknown time" if seconds is None else f"about {duration(seconds)}"
    )


def duration(seconds: float) -> str:
    """`12 s`, `4 min`, `1.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
