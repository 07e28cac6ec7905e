"""What must hold before a rollout goes one step forward. Nothing here is asked on the way back.

All gates are always looked at, so that nobody mends one to be told the next. Where there is no data
a gate is closed: nothing known is not the same as nothing wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from imgassets.documents.contract import Endpoint
from imgassets.documents.rollout import Rollout
from imgassets.rollout.standing import Standing


@dataclass(frozen=True)
class Gate:
    """One thing that must hold.

    Attributes:
        name: what it is about.
        open: whether it holds.
        reason: what was found.
        fix: what opens it; empty where it is open.
    """

    name: str
    open: bool
    reason: str
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)

    def __str__(self) -> str:
        mark = "open  " if self.open else "CLOSED"
        return f"{mark} {self.name}: {self.reason}" + (f"; {self.fix}" if self.fix else "")


class GatesClosedError(RuntimeError):
    """A step forward was refused; names every closed gate with its fix.

    Attributes:
        gates: all of them, the open ones too.
    """

    def __init__(self, gates: Sequence[Gate]) -> None:
        self.gates = tuple(gates)
        closed = [gate for gate in gates if not gate.open]
        lines = "".join(f"\n  {gate}" for gate in closed)
        super().__init__(f"{len(closed)} of {len(gates)} gates are closed:{lines}")


def refuse_closed(gates: Sequence[Gate]) -> None:
    """Raises GatesClosedError if any gate is closed."""
    if not all(gate.open for gate in gates):
        raise GatesClosedError(gates)


@dataclass(frozen=True)
class VerdictFound:
    """The verdict on a candidate as it lies in the project.

    Attributes:
        verdict: GO, NO-GO, REVIEW or INCONCLUSIVE.
        sentence: why.
        fingerprint: of all of it.
        made: when.
        outdated: which document, weights or code changed since; empty where none did.
    """

    verdict: str
    sentence: str
    fingerprint: str
    made: datetime
    outdated: str


class OutcomesSummary(Protocol):
    """What production's outcomes say of a stage, as far as gates ask."""

    @property
    def requests(self) -> int:
        """How many requests the candidate answered since the stage began, failed ones too."""

    @property
    def breach(self) -> str:
        """Which limit the candidate broke, in words; empty where none."""

    @property
    def hold(self) -> str:
        """Why the stage must not rise yet (missing reports, numbers beyond a limit); else empty."""


class PilotFinding(Protocol):
    """What is known of a candidate's pilot, as far as gates ask."""

    @property
    def state(self) -> str:
        """`holds`; anything else (failed, missing, stale) closes the gate."""

    @property
    def reason(self) -> str:
        """Why, in words."""


@dataclass(frozen=True)
class Evidence:
    """All that gates look at besides the contract and the rollout's own history.

    Attributes:
        verdict: on the candidate; None where there is none.
        drift: stored images of either model that came out differently when made again, in words.
        pilot: the candidate's; None where there is none.
        outcomes: of the present stage; None where none were logged.
    """

    verdict: VerdictFound | None = None
    drift: Sequence[str] = ()
    pilot: PilotFinding | None = None
    outcomes: OutcomesSummary | None = None


def gates_ahead(
    contract: Endpoint, rollout: Rollout, model: str, found: Evidence, at: Standing, now: datetime
) -> list[Gate]:
    """The gates of a candidate's next step: to begin, to go on, or to end the swap."""
    if at.last is None or not at.last.running or at.last.candidate != model:
        return start_gates(contract, rollout, model, found, at, now)
    if at.next_stage(rollout) is None:
        return finish_gates(contract, rollout, found, at, now)
    return promote_gates(contract, rollout, found, at, now)


def start_gates(
    contract: Endpoint, rollout: Rollout, model: str, found: Evidence, at: Standing, now: datetime
) -> list[Gate]:
    """What must hold before a rollout begins."""
    return [
        _may_start(contract, model, at),
        *release_gates(contract, rollout, model, found, now),
    ]


def release_gates(
    contract: Endpoint, rollout: Rollout, model: str, found: Evidence, now: datetime
) -> list[Gate]:
    """What must hold of a model at every step forward, whatever was rolled out before."""
    return [
        *_verdict_gates(contract.endpoint, model, rollout, found.verdict, now),
        _drift_gate(found.drift),
        *pilot_gates(contract.pilot is not None, model, found.pilot),
    ]


def promote_gates(
    contract: Endpoint, rollout: Rollout, found: Evidence, at: Standing, now: datetime
) -> list[Gate]:
    """What must hold before a rollout goes on to the next stage."""
    candidate = at.last.candidate if at.last else ""
    return [
        _same_models(contract, at),
        _not_frozen(at),
        *release_gates(contract, rollout, candidate, found, now),
        _hours_gate(rollout, at, now),
        *outcome_gates(rollout, found.outcomes),
    ]


def finish_gates(
    contract: Endpoint, rollout: Rollout, found: Evidence, at: Standing, now: datetime
) -> list[Gate]:
    """What must hold before a swap is over, and the way back with it."""
    return [
        _not_frozen(at),
        _kept_long_enough(rollout, at, now),
        *outcome_gates(rollout, found.outcomes),
        _contract_follows(contract, at),
    ]


def pilot_gates(asked: bool, model: str, found: PilotFinding | None) -> Iterator[Gate]:
    """Whether the pilot holds, where the contract asks for one; no pilot is no pilot that holds.

    Args:
        asked: whether the contract has a `pilot`.
        model: the candidate.
        found: what is known of its pilot; None where nothing is.
    """
    if not asked:
        return
    fix = f"run `imgassets pilot` for {model}"
    if found is None:
        yield Gate("pilot", False, "it never ran, and the contract asks for one", fix)
    else:
        holds = found.state == "holds"
        yield Gate("pilot", holds, found.reason, "" if holds else fix)


def outcome_gates(rollout: Rollout, found: OutcomesSummary | None) -> Iterator[Gate]:
    """Requests of the stage, and no broken limit; no outcomes are no requests."""
    answered, least = (found.requests if found else 0), rollout.min_requests
    enough = answered >= least
    told = f"the candidate answered {answered} of at least {least} requests in this stage"
    if found is None and least:
        told += "; no outcomes were logged"
    yield Gate("requests", enough, told, "" if enough else "wait, or log outcomes (docs/flags.md)")
    if found is not None:
        mend = "" if not found.breach else "`imgassets rollout revert`, or mend the candidate"
        wrong = found.breach or found.hold
        mend = mend or ("wait for more outcomes, or mend what reports them" if wrong else "")
        yield Gate("outcomes", not wrong, wrong or "no limit is broken", mend)


def _may_start(contract: Endpoint, model: str, at: Standing) -> Gate:
    last, name = at.last, "models"
    if last is not None and last.running:
        told = f"{last.candidate} is at stage {last.stage} already"
        return Gate(name, False, told, "`imgassets rollout promote`, or revert it first")
    if model == contract.incumbent or model not in contract.candidates:
        known = ", ".join(contract.candidates) or "none"
        told = f"{model} is no candidate of the contract; there are: {known}"
        return Gate(name, False, told, "name one of them, or add it to `candidates`")
    if last is not None and last.incumbent != contract.incumbent:
        told = f"the contract's incumbent is {contract.incumbent}, and the flag's {last.incumbent}"
        return Gate(name, False, told, f"write `incumbent: {last.incumbent}` into the contract")
    return Gate(name, True, f"{model} may replace {contract.incumbent}")


def _same_models(contract: Endpoint, at: Standing) -> Gate:
    """A contract that names other models now judges another swap."""
    told = at.last
    if told is None:
        return Gate("models", False, "no rollout is running", "start one")
    if (contract.incumbent, told.candidate in contract.candidates) == (told.incumbent, True):
        return Gate("models", True, f"{told.candidate} replaces {told.incumbent}")
    reason = f"the contract no longer names {told.incumbent} as incumbent and {told.candidate} "
    return Gate("models", False, f"{reason}as candidate", "put them back, or revert")


def _not_frozen(at: Standing) -> Gate:
    frozen = at.last is not None and at.last.frozen
    who = f"{at.last.by}: {at.last.reason or 'no reason given'}" if frozen and at.last else ""
    return Gate(
        "not frozen",
        not frozen,
        f"frozen by {who}" if frozen else "nobody froze it",
        "`imgassets rollout unfreeze` once that is settled" if frozen else "",
    )


def _verdict_gates(
    endpoint: str, model: str, rollout: Rollout, found: VerdictFound | None, now: datetime
) -> Iterator[Gate]:
    validate = f"run `imgassets validate --endpoint {endpoint}`"
    if found is None:
        yield Gate("verdict", False, f"there is no verdict on {model}", validate)
        return
    go = found.verdict == "GO"
    yield Gate("verdict", go, found.sentence.rstrip("."), "" if go else "only a GO goes forward")
    fresh = not found.outdated
    told = "it rests on the documents, weights and code of now" if fresh else found.outdated
    yield Gate("verdict is up to date", fresh, told, "" if fresh else validate)
    days = (now - found.made) / timedelta(days=1)
    young = days <= rollout.max_verdict_age_days
    told = f"it is {days:.1f} days old, {rollout.max_verdict_age_days:g} are allowed"
    again = f"materialize {endpoint}/{model}/verdict in `imgassets ui`"
    yield Gate("age of the verdict", young, told, "" if young else again)


def _drift_gate(drift: Sequence[str]) -> Gate:
    if not drift:
        return Gate("no drift", True, "no stored image is known to come out differently")
    fix = "see the report; make a verdict on images of now"
    return Gate("no drift", False, "; ".join(drift), fix)


def _hours_gate(rollout: Rollout, at: Standing, now: datetime) -> Gate:
    hours = (now - at.since) / timedelta(hours=1) if at.since else 0.0
    long = hours >= rollout.min_hours
    told = f"{hours:.1f} of at least {rollout.min_hours:g} hours in this stage"
    return Gate("hours", long, told, "" if long else "wait")


def _kept_long_enough(rollout: Rollout, at: Standing, now: datetime) -> Gate:
    until = at.pinned_until(rollout)
    if until is None:
        return Gate("incumbent kept", False, "not all users have the candidate", "promote it first")
    told = f"the way back is kept until {until:%Y-%m-%d %H:%M} UTC"
    return Gate("incumbent kept", now >= until, told, "" if now >= until else "wait")


def _contract_follows(contract: Endpoint, at: Standing) -> Gate:
    candidate = at.last.candidate if at.last else ""
    follows = contract.incumbent == candidate
    fix = "" if follows else f"write `incumbent: {candidate}` into the contract, and validate"
    return Gate("contract", follows, f"its incumbent is {contract.incumbent}", fix)
