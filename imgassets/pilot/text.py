"""A pilot as text and as JSON values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from imgassets.documents.failures import FAILURE_MODES
from imgassets.documents.pilot import Ceilings
from imgassets.pilot.ceilings import UNITS, Held, held, holds, missed_in_words, shown
from imgassets.pilot.result import Pilot
from imgassets.pilot.simulated import simulated

_CALLED = {
    "p50_seconds": "p50 from due", "p95_seconds": "p95 from due", "p99_seconds": "p99 from due",
    "worst_seconds": "worst", "failure_rate": "failed", "usd_per_image": "USD an image",
    "memory_mib": "server memory",
}  # fmt: skip
_MARKS = {"passed": "ok  ", "broken": "FAIL", "undecided": "?   ", "": "    "}


def as_json(pilot: Pilot, ceilings: Ceilings, alpha: float, folder: str) -> dict[str, Any]:
    """All of it but the single requests, which are in the folder."""
    good, wrong = holds(pilot, ceilings, alpha)
    return {
        **pilot.result.model_dump(mode="json", exclude={"service", "fingerprints"}),
        "holds": good,
        "wrong": wrong,
        "requests": len(pilot.requests),
        "measures": {one.name: _values(one) for one in held(pilot, ceilings, alpha)},
        "throughput": throughput(pilot),
        "queue_wait_seconds": _spread(waits(pilot)),
        "simulated_seconds": _spread(simulated(pilot).tolist()),
        "first_image_seconds": _spread(firsts(pilot)),
        "sent_late_seconds": _spread(pilot.late),
        "failures": dict(Counter(row.failure for row in pilot.requests if row.failure)),
        "pixels": pixels(pilot),
        "folder": folder,
    }


def as_text(pilot: Pilot, ceilings: Ceilings, alpha: float, beside: Pilot | None = None) -> str:
    """The result as a table; `beside` is the incumbent's pilot under the same traffic."""
    result = pilot.result
    good, _ = holds(pilot, ceilings, alpha)
    share = f", the share of 1 of {result.share_of} workers" if result.share_of > 1 else ""
    lines = [
        f"{result.endpoint}/{result.model}: {'HOLDS' if good else 'NOT SHOWN TO HOLD'}; "
        f"{result.load}{share}",
        *_measures(pilot, ceilings, alpha, beside),
        *_queue(pilot),
        f"     throughput      {throughput(pilot):.3g} images/s over {result.seconds:.0f} s",
        *_failures(pilot),
        *_pixels(pilot),
        *_quality(pilot),
    ]
    if pilot.schedule_missed:
        lines.append(f"FAIL {missed_in_words(pilot)}")
    return "\n".join(lines)


def _measures(
    pilot: Pilot, ceilings: Ceilings, alpha: float, beside: Pilot | None
) -> Iterator[str]:
    theirs = {one.name: one for one in held(beside, ceilings, alpha)} if beside else {}
    for one in held(pilot, ceilings, alpha):
        unit, value = UNITS[one.name], one.measured
        said = one.reason or shown(value.value, unit) + _bounds(one)
        other = theirs.get(one.name)
        versus = f"  (incumbent {shown(other.measured.value, unit)})" if other else ""
        yield f"{_MARKS[one.state]} {_CALLED[one.name]:<15} {said}{versus}"


def _bounds(one: Held) -> str:
    lower, upper, unit = one.measured.lower, one.measured.upper, UNITS[one.name]
    if math.isinf(one.measured.effective):
        return ""
    high = "?" if upper is None else shown(upper, unit)
    low = "?" if lower is None else shown(lower, unit)
    return f" ({low} to {high})"


def _queue(pilot: Pilot) -> Iterator[str]:
    told, expected, seen = waits(pilot), simulated(pilot), firsts(pilot)
    if told:
        half, most = (shown(float(np.quantile(told, q)), "s") for q in (0.5, 0.95))
        yield f"     queue wait      p50 {half}, p95 {most}, as the server tells"
    if expected.size and seen:
        simulated_ = [shown(float(np.quantile(expected, q)), "s") for q in (0.5, 0.95)]
        measured = [shown(float(np.quantile(seen, q)), "s") for q in (0.5, 0.95)]
        yield (
            f"     first image     p50 {measured[0]}, p95 {measured[1]}; simulated queue, same "
            f"arrivals: {simulated_[0]}, {simulated_[1]}"
        )
    elif seen:
        yield "     simulated queue none: run `imgassets validate` first, it needs measured batches"


def _failures(pilot: Pilot) -> Iterator[str]:
    counts = Counter(row.failure for row in pilot.requests if row.failure)
    for mode, count in counts.most_common():
        first = next(row.message for row in pilot.requests if row.failure == mode)
        known = FAILURE_MODES.get(mode)
        phrase = known.phrase if known else mode
        yield f"     {count} x {mode}: {phrase}; first: {first[:160]}"


def _pixels(pilot: Pilot) -> Iterator[str]:
    found = pixels(pilot)
    if found["different"]:
        keys = sorted(
            {s.image_key[:12] for r in pilot.requests for s in r.steps if s.pixels == "different"}
        )
        more = ", ..." if len(keys) > 5 else ""
        yield (
            f"!    pixels          {found['different']} of {found['compared']} images are others "
            f"than offline ones of the same request, so batch or load changes pixels: "
            f"{', '.join(keys[:5])}{more}"
        )
    elif found["compared"]:
        yield f"     pixels          all {found['compared']} images equal the offline ones"
    else:
        yield "     pixels          not compared: `imgassets validate` made none of these images"
    if found["unsteady"]:
        yield (
            f"!    pixels          {found['unsteady']} requests that came several times gave "
            "different images"
        )


def _quality(pilot: Pilot) -> Iterator[str]:
    rows = pilot.result.quality
    if not rows:
        yield "     quality         not judged: the incumbent had no pilot under this traffic yet"
        return
    states = Counter(row.state for row in rows)
    said = ", ".join(f"{states[s]} {s}" for s in ("passed", "undecided", "broken") if states[s])
    yield f"     quality         on the images under load: {said}"
    for row in rows:
        if row.state == "broken":
            mark = "FAIL" if row.severity == "gating" else "!   "
            yield f"{mark} {row.criterion}: {row.reason}"


# ---- numbers -------------------------------------------------------------------------------


def throughput(pilot: Pilot) -> float:
    """Delivered images a second."""
    delivered = sum(not row.failure for row in pilot.requests)
    return delivered / pilot.result.seconds if pilot.result.seconds else 0.0


def waits(pilot: Pilot) -> list[float]:
    """Seconds in the server's queue, where it tells."""
    return [row.waited for row in pilot.requests if row.waited is not None]


def firsts(pilot: Pilot) -> list[float]:
    """Seconds from due to the first image, where there is one."""
    return [row.first for row in pilot.requests if row.first is not None]


def pixels(pilot: Pilot) -> dict[str, int]:
    """How many images could be compared with offline ones, and how many are others."""
    words = Counter(step.pixels for row in pilot.requests for step in row.steps)
    seen: dict[str, set[str]] = {}
    for step in (step for row in pilot.requests for step in row.steps if step.file):
        seen.setdefault(step.image_key, set()).add(step.file)
    return {
        "compared": words["same"] + words["different"],
        "different": words["different"],
        "unsteady": sum(len(files) > 1 for files in seen.values()),
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not len(values):
        return None
    named = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "worst": 1.0}
    return {name: float(np.quantile(values, share)) for name, share in named.items()}


def _values(one: Held) -> dict[str, Any]:
    measured = one.measured
    effective = None if math.isinf(measured.effective) else measured.effective
    return {
        "value": measured.value, "lower": measured.lower, "upper": measured.upper,
        "effective_requests": effective, "ceiling": one.ceiling, "state": one.state,
        "reason": one.reason,
    }  # fmt: skip
