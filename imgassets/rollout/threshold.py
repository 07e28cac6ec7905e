"""The error threshold of a rollout: is the candidate's arm still good enough, look by look?

Pure: counts and limits in, a finding out. A finding is one of three:

- `breach`: a limit is shown to be broken, at the level of this look. The caller reverts or freezes.
- `hold`: too few requests, an arm that is silent, or numbers beyond a limit that are not yet proof.
  Nothing is promoted on it: no data is never good news.
- `fine`: enough requests, and what was seen is within every limit.

Alpha is the chance that a whole rollout of a candidate that keeps its limits is reverted by
mistake. Nine tenths of it are shared evenly by the looks that the contract plans, so it holds
however the looks depend on each other. Whoever watches longer spends the last tenth, ever less a
look, so that watching never goes blind. Within a look the level is shared by its tests: failures
against the incumbent, the ceiling of failures, seconds; each over the stage so far and over what
came since the last look, since a fault that starts late drowns in what was well before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from imgassets.decision.formatting import amount, apart, step
from imgassets.rollout.rates import Arm, lower_rate, p_above, p_slower, p_worse, upper_rate

State = Literal["hold", "fine", "breach"]
#: Part of alpha that the planned looks share.
_PLANNED = 0.9
#: A look adds at least this part to what its stage has had: looks stay few while stages grow.
_GROWTH = 0.25


@dataclass(frozen=True)
class Limits:
    """What the contract allows.

    Attributes:
        margin: how much more often than the incumbent the candidate may fail, 0..1.
        alpha: chance of a wrong revert over the whole rollout.
        looks: planned, over all stages.
        min_requests: of the candidate in a stage before anything is judged, and between looks.
        ceiling: how often it may fail whatever the incumbent does, 0..1; None for no such limit.
        seconds: ceiling of a quantile of the seconds; None for no such limit.
        quantile: that quantile.
    """

    margin: float
    alpha: float = 0.05
    looks: int = 40
    min_requests: int = 200
    ceiling: float | None = None
    seconds: float | None = None
    quantile: float = 0.95


@dataclass(frozen=True)
class Counts:
    """Both arms in the same stretch of time."""

    candidate: Arm
    incumbent: Arm

    def minus(self, before: Counts) -> Counts:
        """What came since `before`."""
        return Counts(
            self.candidate.minus(before.candidate), self.incumbent.minus(before.incumbent)
        )

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Counts:
        """From what `dataclasses.asdict` made of it."""
        return cls(Arm(**data["candidate"]), Arm(**data["incumbent"]))


NOTHING = Counts(Arm(0, 0), Arm(0, 0))


@dataclass(frozen=True)
class Finding:
    """What a look came to.

    Attributes:
        state: see the module.
        sentence: why, for people.
        look: its number in the rollout, from 1; 0 where none was spent.
        level: alpha of this look, shared by its tests.
        p: smallest p-value of its tests; 1 where none was made.
        limit: the limit that is broken: `margin`, `ceiling`, `seconds`; else empty.
        stage: both arms since the stage began.
        numbers: rates and their bounds, for tables.
    """

    state: State
    sentence: str
    look: int = 0
    level: float = 0.0
    p: float = 1.0
    limit: str = ""
    stage: Counts = NOTHING
    numbers: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)


@dataclass(frozen=True)
class _Test:
    limit: str
    p: float
    counts: Counts
    since: str


def level_of(look: int, limits: Limits) -> float:
    """Alpha that a look may spend; over all looks, however many, they add up to alpha at most."""
    if look <= limits.looks:
        return _PLANNED * limits.alpha / limits.looks
    beyond = look - limits.looks
    return (1 - _PLANNED) * limits.alpha / (beyond * (beyond + 1))


def is_due(stage: Counts, last: Counts, limits: Limits) -> bool:
    """Whether enough came since the last look of the stage for another one."""
    had = last.candidate.requests
    wanted = max(limits.min_requests, int(_GROWTH * had))
    return (
        stage.candidate.requests - had >= wanted and stage.incumbent.requests >= limits.min_requests
    )


def judge(stage: Counts, last: Counts, limits: Limits, look: int) -> Finding:
    """One look at a stage.

    Args:
        stage: both arms since the stage began.
        last: the same at the last look of this stage; nothing where it is the first.
        limits: the contract's.
        look: its number in the rollout, from 1: every look of every stage counts.
    """
    level = level_of(look, limits)
    windows = [(stage, "in this stage")]
    if last.candidate.requests:
        chunk = stage.minus(last)
        if not chunk.incumbent.requests:  # at 100 % there are none any more
            chunk = replace(chunk, incumbent=stage.incumbent)
        windows.append((chunk, "since the last look"))
    tests = [test for counts, since in windows for test in _tests(counts, since, limits, level)]
    worst = min(tests, key=lambda test: test.p)
    numbers = _numbers(stage, limits.alpha)
    found = Finding("fine", _fine(stage, limits, numbers), look, level, worst.p, "", stage, numbers)
    if worst.p <= level / len(tests):
        proof = f"(p = {worst.p:.2g}, level {level / len(tests):.2g} at look {look})"
        sentence = f"{_said(worst, limits)} {proof}"
        return replace(found, state="breach", sentence=sentence, limit=worst.limit)
    beyond = next(_beyond(stage, limits), "")
    if beyond:
        sentence = f"{beyond}, which is not yet proof: more requests tell"
        return replace(found, state="hold", sentence=sentence)
    return found


def too_early(stage: Counts, limits: Limits) -> Finding:
    """The finding before a stage has enough requests."""
    had = f"{stage.candidate.requests:,} and {stage.incumbent.requests:,}"
    sentence = (
        f"too few requests to judge: {had} of candidate and incumbent in this stage, "
        f"{limits.min_requests:,} of each are needed"
    )
    return Finding("hold", sentence, stage=stage)


def _tests(counts: Counts, since: str, limits: Limits, level: float) -> Iterator[_Test]:
    ours, theirs = counts.candidate, counts.incumbent
    yield _Test("margin", p_worse(ours, theirs, limits.margin, level), counts, since)
    if limits.ceiling is not None:
        yield _Test("ceiling", p_above(ours, limits.ceiling), counts, since)
    if limits.seconds is not None:
        yield _Test("seconds", p_slower(ours, limits.quantile), counts, since)


def _beyond(stage: Counts, limits: Limits) -> Iterator[str]:
    """Limits that what was seen is beyond, proof or not."""
    ours, theirs = stage.candidate, stage.incumbent
    if ours.rate - theirs.rate > limits.margin:
        yield _said(_Test("margin", 1.0, stage, "in this stage"), limits)
    if limits.ceiling is not None and ours.rate > limits.ceiling:
        yield _said(_Test("ceiling", 1.0, stage, "in this stage"), limits)
    if limits.seconds is not None and ours.slow > (1 - limits.quantile) * ours.timed:
        yield _said(_Test("seconds", 1.0, stage, "in this stage"), limits)


def _said(test: _Test, limits: Limits) -> str:
    ours, theirs = test.counts.candidate, test.counts.incumbent
    if test.limit == "seconds":
        return (
            f"{ours.slow:,} of the candidate's {ours.timed:,} requests {test.since} took longer "
            f"than {limits.seconds:g} s; the contract allows that in "
            f"{amount(1 - limits.quantile, 'share')}"
        )
    failed = f"the candidate fails in {_rate(ours)} {test.since}"
    if ours.unreported:
        failed += f", {ours.unreported:,} of them without any outcome"
    if test.limit == "ceiling":
        _, allowed = apart(amount, ours.rate, limits.ceiling or 0.0, "share")
        return f"{failed}; the contract allows {allowed} at most"
    more, allowed = apart(step, ours.rate - theirs.rate, limits.margin, "share")
    return f"{failed}, {more} more than the incumbent's {_rate(theirs)}; the margin is {allowed}"


def _fine(stage: Counts, limits: Limits, numbers: Mapping[str, float]) -> str:
    ours, theirs = stage.candidate, stage.incumbent
    most = numbers["difference_upper"]
    shown = "shown to be within" if most <= limits.margin else "within, though not yet shown:"
    return (
        f"the candidate fails in {_rate(ours)}, the incumbent in {_rate(theirs)} in this stage: "
        f"{shown} the margin of {step(limits.margin, 'share')} "
        f"(at most {step(max(0.0, most), 'share')} more)"
    )


def _rate(arm: Arm) -> str:
    return f"{amount(arm.rate, 'share', 1)} of {arm.requests:,} requests"


def _numbers(stage: Counts, alpha: float) -> dict[str, float]:
    """Rates and one-sided bounds; those of the difference by MOVER (Zou and Donner, 2008)."""
    ours, theirs = stage.candidate, stage.incumbent
    low = [lower_rate(arm.failures, arm.requests, alpha) for arm in (ours, theirs)]
    high = [upper_rate(arm.failures, arm.requests, alpha) for arm in (ours, theirs)]
    difference = ours.rate - theirs.rate
    down = ((ours.rate - low[0]) ** 2 + (high[1] - theirs.rate) ** 2) ** 0.5
    up = ((high[0] - ours.rate) ** 2 + (theirs.rate - low[1]) ** 2) ** 0.5
    return {
        "candidate_rate": ours.rate,
        "incumbent_rate": theirs.rate,
        "difference": difference,
        "difference_lower": difference - down,
        "difference_upper": difference + up,
    }
