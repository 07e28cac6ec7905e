"""Whether a pilot holds: each ceiling of the contract against what was measured, with its bounds.

The burden of proof is on the model, as everywhere: a ceiling has passed when it is shown to hold,
is broken when it is shown not to, and is undecided otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from imgassets.documents.pilot import Ceilings
from imgassets.pilot.latency import Bounded, bounded_quantile, bounded_rate
from imgassets.pilot.result import LATE_SECONDS, Pilot

State = Literal["passed", "broken", "undecided"]
#: Quantiles that are measured, whatever the contract asks for.
SHARES = {"p50_seconds": 0.5, "p95_seconds": 0.95, "p99_seconds": 0.99}
UNITS = dict.fromkeys((*SHARES, "worst_seconds"), "s") | {
    "failure_rate": "share", "usd_per_image": "USD", "memory_mib": "MiB",
}  # fmt: skip


@dataclass(frozen=True)
class Held:
    """One measure of a pilot, and its ceiling where the contract has one.

    Attributes:
        name: of the ceiling.
        measured: what came out.
        ceiling: None where the contract is silent; then `state` is empty.
        reason: in words, with what would settle it.
    """

    name: str
    measured: Bounded
    ceiling: float | None = None
    state: State | Literal[""] = ""
    reason: str = ""


def measures(pilot: Pilot, alpha: float) -> dict[str, Bounded]:
    """Everything that a ceiling may be on, by its name. Quantiles count from when due."""
    rows = pilot.requests
    latencies = [row.latency for row in rows]
    found = {name: bounded_quantile(latencies, share, alpha) for name, share in SHARES.items()}
    found["worst_seconds"] = _plain(max(row.done - row.due for row in rows))
    found["failure_rate"] = bounded_rate([bool(row.failure) for row in rows], alpha)
    delivered = sum(not row.failure for row in rows)
    found["usd_per_image"] = _plain(sum(row.usd for row in rows) / delivered if delivered else None)
    found["memory_mib"] = _plain(pilot.result.memory_mib)
    return found


def held(pilot: Pilot, ceilings: Ceilings, alpha: float) -> list[Held]:
    """Every measure, held to its ceiling where there is one.

    Args:
        pilot: with at least one request.
        ceilings: of the contract as it is now.
        alpha: risk of each bound (`decision.alpha`).
    """
    given = ceilings.given
    found = []
    for name, measured in measures(pilot, alpha).items():
        limit = given.get(name)
        if limit is None:
            found.append(Held(name, measured))
        else:
            found.append(Held(name, measured, limit, *_judged(name, measured, limit)))
    return found


def holds(pilot: Pilot, ceilings: Ceilings, alpha: float) -> tuple[bool, list[str]]:
    """Whether all of it holds, and what does not, in words."""
    wrong = [f"{one.name}: {one.reason}" for one in held(pilot, ceilings, alpha)
             if one.state in ("broken", "undecided")]  # fmt: skip
    if pilot.schedule_missed:
        wrong.insert(0, missed_in_words(pilot))
    wrong += [
        f"{row.criterion}: broken under load; {row.reason}"
        for row in pilot.result.quality
        if row.state == "broken" and row.severity == "gating"
    ]
    return not wrong, wrong


def missed_in_words(pilot: Pilot) -> str:
    """That the pilot itself sent too late."""
    late = sum(one > LATE_SECONDS for one in pilot.late)
    return (
        f"the pilot itself sent {late} of {len(pilot.requests)} requests more than "
        f"{LATE_SECONDS * 1e3:g} ms late (worst {max(pilot.late):.2f} s), so the traffic was not "
        "the one asked for; run it on a machine with more room"
    )


def _judged(name: str, measured: Bounded, ceiling: float) -> tuple[State, str]:
    value, lower, upper = measured.value, measured.lower, measured.upper
    unit = UNITS[name]
    limit = shown(ceiling, unit)
    if value is None and name == "memory_mib":
        return "undecided", "the server tells no memory; use a server that the pilot starts"
    if value is None and lower is None:
        return "broken", f"so many requests failed that none of {limit} holds"
    if upper is not None and upper <= ceiling:
        said = "" if upper == value else f", at most {shown(upper, unit)} with confidence"
        return "passed", f"{shown(value, unit)}{said}; the ceiling is {limit}"
    beyond = lower if lower is not None else -math.inf
    if beyond > ceiling or (value is None and upper is None and measured.needed == 0):
        return "broken", f"{shown(value, unit)}, above the ceiling of {limit}"
    more = f"; about {measured.needed} requests show it" if measured.needed else ""
    bound = "no upper bound yet" if upper is None else f"perhaps {shown(upper, unit)}"
    return "undecided", f"{shown(value, unit)}, {bound}; the ceiling is {limit}{more}"


def _plain(value: float | None) -> Bounded:
    """A number without error: the highest, or a sum."""
    return Bounded(value, value, value, math.inf)


def shown(value: float | None, unit: str) -> str:
    """A number as tables write it."""
    if value is None:
        return "failed" if unit == "s" else "-"
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.0f} ms"
    if unit == "share":
        return f"{value:.2%}".replace("%", " %")
    if unit == "USD":
        return f"${value:.6f}".rstrip("0").rstrip(".")
    return f"{value:.0f} MiB"
