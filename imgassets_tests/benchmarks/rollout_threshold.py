"""Measures the error threshold of rollouts, and writes docs/measurements/rollout-threshold.md.

    python -m imgassets_tests.benchmarks.rollout_threshold [--runs 1000]

Whole rollouts, in simulated time: 1, 10 and 50 % of 100,000 requests a day, a day each, judged
every ten minutes by the product's own `is_due` and `judge`. Rates of failure wander through the day
and jump in outages that meet both arms. Faults begin with the stage of 10 %.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imgassets.rollout.rates import Arm, clumping
from imgassets.rollout.threshold import NOTHING, Counts, Limits, is_due, judge
from imgassets_tests.benchmarks.pages import table

PAGE = Path(__file__).parents[2] / "docs/measurements/rollout-threshold.md"
DAY, STEPS = 100_000, 144
STAGES = (0.01, 0.1, 0.5)
#: At 10 % somebody tries to promote at every step after a day, for a week.
WAITS, DAYS = 0.1, 7
BASES = (0.001, 0.01, 0.05)
#: The margin is this part of the incumbent's rate: a fault that doubles failures is 4 margins.
PART = 0.25
LOOKS, ALPHA, LEAST = 60, 0.05, 200
Rng = np.random.Generator
_PAGE_TEXT = """\
# The error threshold of a rollout, measured

Written by `python -m imgassets_tests.benchmarks.rollout_threshold --runs {runs}`. How it works: \
[Outcomes](../outcomes.md).

Whole rollouts in simulated time: 1, 10 and 50 % of {day:,} requests a day, a day each (10 % \
longer where it is held), looked at every ten minutes. The contract: a margin of a quarter of \
the incumbent's rate of failure, alpha {alpha:g} %, {looks} looks, {least} requests at least. \
"Rate wanders": it swings by 60 % through the day, and once a day on average an outage of half \
an hour meets both models. "Users who try again": whoever fails tries again up to five times. \
{runs:,} runs a row; the error of a share is about {error:.1f} points at 5 %.

## Reverted by mistake

Must be at most {alpha:g} % over a whole rollout. "Held" means that a promotion is refused \
because what was seen is beyond the margin although it is no proof; it goes on at the first look \
that is within.

{equal}
## Faults that begin at 10 %

After the contract's `min_hours` at 10 % somebody tries to promote every ten minutes. A rollout \
is held while what was seen is beyond the margin; it goes on at the first look that is within. \
"Went on to 50 %" are those that were not caught in time. Requests and hours are those at 10 % \
until the revert.

How many go on is a matter of how many failures a stage can bring. Where the incumbent fails in \
.1 %, a day at 10 % brings 10 failures of an equal model and 20 of one that fails twice as often, \
and 20 expected ones are 12 or fewer on 4 days of 100. No rule can tell those days apart; longer \
stages can.

{faults}"""


def limits_of(base: float) -> Limits:
    """The contract that all runs at a base rate have."""
    return Limits(margin=PART * base, alpha=ALPHA, looks=LOOKS, min_requests=LEAST)


def rates(rng: Rng, base: float, weather: bool) -> np.ndarray:
    """Share of requests that fail, by step of a day; its mean is about the base rate."""
    if not weather:
        return np.full(STEPS, base)
    day = base * (1 + 0.6 * np.sin(2 * np.pi * (np.arange(STEPS) / STEPS + rng.random())))
    for start in rng.integers(0, STEPS, rng.poisson(1.0)):
        day[start : start + 3] = np.minimum(1.0, 10 * base + 0.05)
    return day


def steps(
    rng: Rng, share: float, ours: np.ndarray, theirs: np.ndarray, users: bool
) -> Iterator[tuple[Arm, Arm]]:
    """What came of each step of a stage's day."""
    for p, q in zip(ours, theirs, strict=True):
        n = rng.poisson(DAY / STEPS * share), rng.poisson(DAY / STEPS * (1 - share))
        yield _arm(rng, n[0], p, users), _arm(rng, n[1], q, users)


def _arm(rng: Rng, n: int, p: float, users: bool) -> Arm:
    """Requests; with users, a failure is tried again by the same user, who fails 1 to 5 times."""
    if not users:
        return Arm(int(n), int(rng.binomial(n, p)))
    tries = rng.integers(1, 6, rng.binomial(n, p / 3))
    return Arm(int(n + tries.sum()), int(tries.sum()), clumping=float((tries**2).sum()))


def added(one: Arm, other: Arm) -> Arm:
    """Both together; `clumping` carries the sum of squares here."""
    return Arm(
        one.requests + other.requests,
        one.failures + other.failures,
        clumping=one.clumping + other.clumping,
    )


@dataclass(frozen=True)
class Run:
    """How one rollout went.

    Attributes:
        stage: share of traffic at which it was reverted; 0 where it never was.
        requests: of the candidate in that stage by then.
        hours: since that stage began.
        waited: hours that 10 % went on beyond its day, because what was seen is beyond the margin.
        looks: that were taken.
    """

    stage: float
    requests: int
    hours: float
    waited: float
    looks: int


def run(
    rng: Rng,
    base: float,
    factor: dict[float, float],
    shift: float = 0.0,
    weather: bool = True,
    users: bool = False,
    least_hours: float = 24,
) -> Run:
    """One rollout; `factor` multiplies the candidate's failures by stage, `shift` adds to them.

    `least_hours` is how long 10 % lasts before somebody tries to promote.
    """
    limits, look, waited = limits_of(base), 0, 0.0
    for share in STAGES:
        days = [rates(rng, base, weather) for _ in range(DAYS if share == WAITS else 1)]
        theirs = np.concatenate(days)
        ours = np.minimum(1.0, theirs * factor.get(share, 1.0) + shift)
        both, last, state = (Arm(0, 0, clumping=0.0),) * 2, NOTHING, "hold"
        for step, came in enumerate(steps(rng, share, ours, theirs, users), 1):
            both = (added(both[0], came[0]), added(both[1], came[1]))
            counts = Counts(*(_unclumped(arm, users) for arm in both))
            hours = 24 * step / STEPS
            if is_due(counts, last, limits):
                look += 1
                found = judge(counts, last, limits, look)
                last, state = counts, found.state
            if state == "breach":
                return Run(share, counts.candidate.requests, hours, waited, look)
            if share == WAITS and hours >= least_hours:
                waited = hours - least_hours
                if state == "fine":
                    break
    return Run(0.0, 0, 0.0, waited, look)


def _unclumped(arm: Arm, users: bool) -> Arm:
    factor = clumping(arm.failures, arm.clumping) if users else 1.0
    return replace(arm, clumping=factor)


def percent(part: float, of: float) -> str:
    """`3.4 %`; a hyphen for none."""
    return f"{100 * part / of:.1f} %" if of else "-"


def false_reverts(runs: int) -> Iterator[list[str]]:
    """Rows of equal models, and of one that is exactly at the margin."""
    cases = (
        ("equal, steady rate", 0.0, False, False),
        ("equal, rate wanders, outages", 0.0, True, False),
        ("equal, users who try again", 0.0, True, True),
        ("worse by exactly the margin", 1.0, False, False),
        ("worse by exactly the margin, outages", 1.0, True, False),
    )
    for number, (name, margins, weather, users) in enumerate(cases):
        for base in BASES:
            rng = np.random.default_rng([number, int(1e4 * base)])
            shift = margins * PART * base
            found = [run(rng, base, {}, shift, weather, users) for _ in range(runs)]
            reverted = sum(r.stage > 0 for r in found)
            held = sorted(r.waited for r in found)
            looks = np.mean([r.looks for r in found])
            yield [name, f"{100 * base:g} %", percent(reverted, runs),
                   percent(sum(w > 0 for w in held), runs), f"{np.quantile(held, 0.95):.0f}",
                   f"{looks:.0f}"]  # fmt: skip


def caught(runs: int) -> Iterator[list[str]]:
    """Rows of faults that begin with the stage of 10 %."""
    for factor in (2.0, 3.0, 5.0):
        for base in BASES:
            yield faults_of(runs, factor, base, 24)
    for days in (2, 3, 4):
        yield faults_of(runs, 2.0, min(BASES), 24 * days)


def faults_of(runs: int, factor: float, base: float, least_hours: float) -> list[str]:
    """A row: what became of rollouts whose candidate fails `factor` times as often."""
    rng = np.random.default_rng([int(factor), int(1e4 * base)])
    faulty = {0.1: factor, 0.5: factor}
    found = [run(rng, base, faulty, least_hours=least_hours) for _ in range(runs)]
    early = [r for r in found if r.stage == WAITS]
    in_time = sum(r.hours <= least_hours for r in early)
    longest = 24 * DAYS - least_hours
    on = sum(r.stage > WAITS or (not r.stage and r.waited < longest) for r in found)
    still = runs - len(early) - on
    times = sorted(r.hours for r in early)
    return [
        f"{factor:g} times", f"{100 * base:g} %", f"{least_hours:g}", percent(in_time, runs),
        percent(len(early) - in_time, runs), percent(still, runs), percent(on, runs),
        f"{np.median([r.requests for r in early]):,.0f}" if early else "-",
        f"{np.median(times):.1f}" if times else "-",
        f"{np.quantile(times, 0.95):.1f}" if times else "-",
    ]  # fmt: skip


def write(runs: int) -> None:
    """The page."""
    equal = table(
        ["models", "incumbent fails in", "reverted", "held after a day at 10 %",
         "95 % go on after further hours", "looks"],
        list(false_reverts(runs)),
    )  # fmt: skip
    faults = table(
        ["failures", "incumbent fails in", "`min_hours`", "reverted within them",
         "held, then reverted within a week", "held all week", "went on to 50 %",
         "median requests of the candidate", "median hours", "95 % within hours"],
        list(caught(runs)),
    )  # fmt: skip
    PAGE.write_text(
        _PAGE_TEXT.format(
            runs=runs,
            day=DAY,
            alpha=100 * ALPHA,
            looks=LOOKS,
            least=LEAST,
            equal=equal,
            error=100 * (0.05 * 0.95 / runs) ** 0.5,
            faults=faults,
        ),
        encoding="utf-8",
    )


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    began = time.monotonic()
    write(parser.parse_args().runs)
    print(f"{PAGE}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
