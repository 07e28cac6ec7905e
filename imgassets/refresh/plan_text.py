"""A plan as a person reads it."""

from __future__ import annotations

from imgassets.flows import FLOWS
from imgassets.refresh.plan import Plan


def plan_in_words(plan: Plan) -> str:
    """One line an asset with its reason, then what it costs."""
    if not plan.assets:
        return "everything is up to date"
    lines = [f"{key}\n    {why}" for key, why in plan.assets.items()]
    return "\n".join([*lines, "", _cost(plan)])


def _cost(plan: Plan) -> str:
    made = f"{len(plan.must)} asset(s) to make, {len(plan.follow)} more if what is above differs"
    scores = _scores(plan)
    if not any(plan.images.values()):
        return f"{made}; no image{scores}"
    flows = ", ".join(f"{plan.images[flow]} to {flow}" for flow in FLOWS if plan.images.get(flow))
    seconds = "unknown time" if plan.seconds is None else f"about {duration(plan.seconds)}"
    usd = "unknown cost" if plan.usd is None else f"{plan.usd:.6f} USD"
    return f"{made}; images: {flows}; {seconds}, {usd}{scores}"


def _scores(plan: Plan) -> str:
    """Images that each family is to look at, and how long that takes."""
    if not plan.scores:
        return "\nno image to score"
    families = ", ".join(f"{count} by {family}" for family, count in plan.scores.items())
    seconds = plan.score_seconds
    return f"\nimages to score: {families}; " + (
        "unknown time" if seconds is None else f"about {duration(seconds)}"
    )


def duration(seconds: float) -> str:
    """`12 s`, `4 min`, `1.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
