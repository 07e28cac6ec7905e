"""A staged swap in simulated time: an application with the real SDK, operators, and a watcher.

The application reads `rollout/flags.json` by OpenFeature's SDK and flagd's own evaluation, and logs
what becomes of each request. The operator promotes whenever the gates let it. Time is a parameter
everywhere; the simulation knows no state of its own, so whoever is killed is followed by another
that goes on from what lies on the disk.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from openfeature import api
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.provider import AbstractProvider, Metadata

from imgassets.documents.rollout import Outcomes
from imgassets.rollout import gates, steps
from imgassets.rollout.flags import bucket_of
from imgassets.rollout.outcome_lines import read_outcomes
from imgassets.rollout.outcomes import OutcomeLog
from imgassets.rollout.record import read_record
from imgassets.rollout.standing import standing
from imgassets.rollout.watch import Watched, Watcher
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.factories import BEGIN, contract, evidence, plan_of

ENDPOINT = "cards"
STEP = timedelta(minutes=10)
OUTCOMES = {
    "failures": {"margin": 0.0025, "ceiling": 0.2},
    "looks": 60,
    "min_requests": 100,
    "on_breach": "revert",
}
PLAN = {
    "stages": ["shadow", 1, 10, 50, 100],
    "min_requests": 50,
    "max_verdict_age_days": 30,
    "keep_incumbent_days": 14,
    "outcomes": OUTCOMES,
}


class FlagFileProvider(AbstractProvider):
    """flagd's evaluation of a file, as the SDK's providers do it in process."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self._core, self._seen = file, FlagdCore(), 0

    def get_metadata(self) -> Metadata:
        return Metadata("flag file")

    def poll(self) -> None:
        """Takes a file that changed, by its time as watchers do."""
        if self._file.exists() and (at := self._file.stat().st_mtime_ns) != self._seen:
            self._core.set_flags(self._file.read_text(encoding="utf-8"))
            self._seen = at

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._core.resolve_string_value(flag_key, default_value, evaluation_context)

    def _not_asked(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    resolve_boolean_details = resolve_integer_details = _not_asked
    resolve_float_details = resolve_object_details = _not_asked


@dataclass
class Application:
    """Asks the flag for each user, and logs what became of the request.

    Attributes:
        files: of the rollouts.
        requests: in a step.
        fails: share of a model's requests that fail, by (arm, stage name).
    """

    files: RolloutFiles
    requests: int
    fails: Callable[[str, str], float]
    provider: FlagFileProvider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = FlagFileProvider(self.files.flags)
        api.set_provider_and_wait(self.provider, domain=ENDPOINT)
        self._client = api.get_client(domain=ENDPOINT)

    def arms(self, user: str) -> tuple[list[str], str]:
        """The models that are asked for a user, and the stage by the flag's metadata."""
        context = EvaluationContext(user, {"bucket": bucket_of(ENDPOINT, user)})
        found = self._client.get_string_details(ENDPOINT, "prod", context)
        told = found.flag_metadata
        arm = "candidate" if found.variant == "candidate" else "incumbent"
        shadow = [arm, "candidate"] if told.get("shadow") else [arm]
        return shadow, str(told.get("stage", "none"))

    def step(self, number: int) -> str:
        """One step's outcomes as JSON lines: the same again for the same flag."""
        self.provider.poll()
        rng, lines = random.Random(number), []
        for i in range(self.requests):
            at = BEGIN + number * STEP + STEP * (i / self.requests)
            arms, stage = self.arms(f"user-{rng.randrange(20_000)}")
            for arm in arms:
                status = "timed_out" if rng.random() < self.fails(arm, stage) else "ok"
                name = f"{number}-{i}-{arm}"
                line = {"id": name, "at": at.isoformat(), "arm": arm, "status": status}
                lines.append(json.dumps(line))
        return "".join(f"{line}\n" for line in lines)


@dataclass
class Swap:
    """A project's swap at one endpoint.

    Attributes:
        folder: the project's.
        requests: of the application in ten minutes.
        fails: as of `Application`.
        outcomes: the contract's, where it is another.
        min_hours: of a stage.
    """

    folder: Path
    requests: int = 400
    fails: Callable[[str, str], float] = lambda arm, stage: 0.01
    outcomes: Mapping[str, Any] = field(default_factory=lambda: OUTCOMES)
    min_hours: float = 3

    def __post_init__(self) -> None:
        self.files = RolloutFiles(self.folder / "rollout")
        self.log = OutcomeLog(self.folder / "outcomes.sqlite")
        self.contract = contract(
            rollout={**PLAN, "min_hours": self.min_hours, "outcomes": dict(self.outcomes)}
        )
        told = Outcomes.model_validate(self.outcomes)
        self.watcher = Watcher(ENDPOINT, told, {}, self.log, self.files, self.folder)

    def begin(self, now: datetime = BEGIN) -> None:
        """The first stage, unless it was taken."""
        record = read_record(self.files)
        if record.last(ENDPOINT) is None:
            step = steps.Step(ENDPOINT, "ada", now, "", "f" * 64)
            gate = [gates.Gate("all", True, "as it should be")]
            steps.start(self.files, step, ("prod", "fast"), "shadow", gate, None)

    def stages(self) -> list[str]:
        """What the history tells, in order."""
        return [f"{e.event} {e.stage}" for e in read_record(self.files).of(ENDPOINT)]

    def run(self, hours: float, first: int = 0) -> Iterator[Moment]:
        """Steps of ten minutes, each: traffic, a look, an operator who tries to go on.

        Yields:
            What was seen after each; the step is on the disk then.
        """
        self.begin()
        application = Application(self.files, self.requests, self.fails)
        for number in range(first, int(hours * 6)):
            now = BEGIN + (number + 1) * STEP
            acknowledged = self.take_in(application.step(number), now)
            watched = self.watcher.pass_once("watch", now)
            self.promote("ada", now)
            yield Moment(number, now, watched, acknowledged)

    def take_in(self, text: str, now: datetime) -> int:
        """Outcomes as an application hands them over; how many are on the disk."""
        found = read_outcomes(text, "cards.jsonl", now)
        assert not found.problems
        self.log.append(found.outcomes)
        return len(found.outcomes)

    def promote(self, by: str, now: datetime) -> str:
        """What became of an operator's attempt: `promoted`, `closed`, `late` or `nothing`."""
        record = read_record(self.files)
        at = standing(record, ENDPOINT)
        stage = at.next_stage(plan_of(self.contract))
        if at.last is None or not at.running or stage is None:
            return "nothing"
        found = evidence(now, outcomes=self.watcher.look(now))
        looked = gates.promote_gates(self.contract, plan_of(self.contract), found, at, now)
        step = steps.Step(ENDPOINT, by, now, "", "f" * 64)
        try:
            steps.promote(self.files, step, stage, looked, at.last)
        except gates.GatesClosedError:
            return "closed"
        except steps.ChangedMeanwhileError:
            return "late"
        return "promoted"


@dataclass(frozen=True)
class Moment:
    """One step of the simulation: its number, its end, what was seen, outcomes acknowledged."""

    number: int
    now: datetime
    watched: Watched
    acknowledged: int


def planted(at: Sequence[str], factor: float, base: float = 0.01) -> Callable[[str, str], float]:
    """A candidate that fails more often at some stages, as no stage before has shown."""
    return lambda arm, stage: base * (factor if arm == "candidate" and stage in at else 1.0)
