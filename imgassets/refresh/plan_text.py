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
    if not any(plan.images.values()):
        return f"{made}; no image"
    flows = ", ".join(f"{plan.images[flow]} to {flow}" for flow in FLOWS if plan.images.get(flow))
    seconds = "unknown time" if plan.seconds is None else f"about {_duration(plan.seconds)}"
    usd = "unknown cost" if plan.usd is None else f"{plan.usd:.6f} USD"
    return f"{made}; images: {flows}; {seconds}, {usd}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
