"""The product tests itself: faults are planted into a healthy model, and must be caught.

The healthy model stands on both sides: as the incumbent of every endpoint, and, with a fault
planted, as its candidate. Images are made and kept under `HOME/selftest`; everything after them is
the product's own path: metric tables, comparison, verdict.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import get_context
from typing import Any

from imgassets.decision.measurements import gather_measured
from imgassets.documents.contract import Endpoint
from imgassets.documents.folder import FolderModel
from imgassets.documents.project import Project
from imgassets.selftest.catalogue import Fault
from imgassets.selftest.data import Branch, FaultRunner
from imgassets.selftest.detection import (
    BootstrapSample,
    Detection,
    Drawn,
    Rate,
    SelfTestData,
    detection,
    judge_draw,
    whole,
)
from imgassets.storage.project_home import ProjectHome

Progress = Callable[[str], None]
#: Seeds beside the contract's own, for the healthy model against itself.
OTHER_SEEDS = (7001, 7002, 7003, 7004)


@dataclass(frozen=True)
class SelfTest:
    """What came of it.

    Attributes:
        found: each fault with its detection.
        false_no_go, false_review: the healthy model against itself with other seeds, at any
            endpoint.
        go: how often all endpoints say GO to it.
    """

    found: tuple[tuple[Fault, Detection], ...]
    false_no_go: Rate
    false_review: Rate
    go: Rate

    @property
    def missed(self) -> list[Fault]:
        """Strong faults caught in less than 95 % of the draws."""
        return [f for f, d in self.found if f.strength == "strong" and d.caught.value < 0.95]

    @property
    def well(self) -> bool:
        """Every strong fault is caught, and alarms are false at most as often as allowed."""
        return not self.missed and max(self.false_no_go.value, self.false_review.value) <= 0.05

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of `imgassets selftest --json`."""
        faults = [
            {
                "fault": fault.name,
                "kind": fault.kind,
                "strength": fault.strength,
                "verdict": found.verdict,
                "criterion": found.criterion,
                "detection_rate": found.caught.value,
                "interval": list(found.caught.interval),
            }
            for fault, found in self.found
        ]
        healthy = self.false_no_go
        return {
            "faults": faults,
            "false_no_go": {
                "rate": healthy.value,
                "interval": list(healthy.interval),
                "draws": healthy.draws,
            },
        }


@dataclass(frozen=True)
class SelfTester:
    """Runs it.

    Attributes:
        project: its endpoints judge; it must hold both models.
        home: everything made by the project.
        model: the healthy model; `guided` is that of faults that need guidance.
        draws: how often each fault, and the healthy model, is judged.
        progress: told what is being done.
    """

    project: Project
    home: ProjectHome
    model: str = "tiny-turbo"
    guided: str = "tiny-base"
    draws: int = 200
    progress: Progress = lambda _: None

    def run(self, faults: Sequence[Fault]) -> SelfTest:
        """Plant these faults, one after the other.

        Raises:
            LookupError: the project lacks a model, or an endpoint to judge them at.
        """
        for name in dict.fromkeys((self.model, self.guided)):
            if name not in self.project.models:
                raise LookupError(
                    f"no model {name!r} in contracts/models; selftest plants its faults in the "
                    "embedded models, so run it in a project that has them, such as the demo"
                )
        if not endpoints_of(self.project):
            raise LookupError(
                "no endpoint in contracts/endpoints whose incumbent makes images; nothing can be "
                "planted into a folder of images, so run selftest in a project such as the demo"
            )
        planted = [self._planted(fault, f"{n}/{len(faults)}") for n, fault in enumerate(faults, 1)]
        drawn = {
            side: self._judged(side, [d for f, d in zip(faults, planted, strict=True)
                                      if self._side(f) is side])
            for side in dict.fromkeys((self._plain, *map(self._side, faults)))
        }  # fmt: skip
        seen = dict.fromkeys(drawn, 0)
        found = []
        for fault, decks in zip(faults, planted, strict=True):
            side = self._side(fault)
            alarms = [draw.alarms[seen[side]] for draw in drawn[side]]
            seen[side] += 1
            found.append((fault, detection(whole(side.benches, decks), alarms)))
        healthy = [draw.healthy for draw in drawn[self._plain]]
        return SelfTest(
            tuple(found),
            Rate(sum("NO-GO" in verdicts for verdicts in healthy), self.draws),
            Rate(sum("REVIEW" in verdicts for verdicts in healthy), self.draws),
            Rate(sum(set(verdicts) == {"GO"} for verdicts in healthy), self.draws),
        )

    def example(self, fault: Fault) -> tuple[bytes, bytes]:
        """A file of the healthy model, and the same with a fault planted, to look at."""
        return self._side(fault).example(fault)

    def _planted(self, fault: Fault, number: str) -> list[BootstrapSample]:
        self.progress(f"{number} {fault.name}, {fault.strength}: {fault.what}")
        return self._side(fault).planted(fault)

    def _judged(self, side: Side, planted: list[list[BootstrapSample]]) -> list[Drawn]:
        """All draws of one side, on all cores."""
        # Spawned, not forked: torch and OpenCV keep threads that a fork would lose.
        with ProcessPoolExecutor(
            os.cpu_count(), get_context("spawn"), _remember, (side.benches, planted)
        ) as pool:
            drawn = []
            for judged in pool.map(_judge_remembered, range(self.draws)):
                drawn.append(judged)
                if len(drawn) % 25 == 0:
                    self.progress(f"{len(drawn)} of {self.draws} draws judged ({side.model})")
        return drawn

    def _side(self, fault: Fault) -> Side:
        return self._guided if fault.guided else self._plain

    @cached_property
    def _plain(self) -> Side:
        return Side(self.project, self.home, self.model, self.progress)

    @cached_property
    def _guided(self) -> Side:
        # Only a control for few faults, and slow to make: as many other seeds as a side needs.
        return Side(self.project, self.home, self.guided, self.progress, OTHER_SEEDS[:2])


_REMEMBERED: list[Any] = []


def _remember(*what: Any) -> None:
    """Once a process, since decks are large."""
    _REMEMBERED[:] = what
    # Scores are many small tuples without cycles; looking for cycles took a third of the time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _judge_remembered(draw: int) -> Drawn:
    benches, planted = _REMEMBERED
    return judge_draw(benches, planted, draw)


class Side:
    """A healthy model on both sides of every endpoint."""

    def __init__(
        self,
        project: Project,
        home: ProjectHome,
        model: str,
        progress: Progress,
        others: Sequence[int] = OTHER_SEEDS,
    ) -> None:
        self._others = others
        self.model = model
        self._planted = f"{model}-planted"
        self._endpoints = [
            e.model_copy(update={"incumbent": model, "candidates": (self._planted,)})
            for e in endpoints_of(project)
        ]
        self._workshop = FaultRunner(_with(project, self._endpoints), home.selftest, progress)

    @cached_property
    def benches(self) -> list[SelfTestData]:
        """The healthy side of each endpoint."""
        return [
            SelfTestData(e, self._deck(e, pooled), self._deck(e, pooled, self._planted))
            for e in self._endpoints
            for pooled in [self._pooled(e)]
        ]

    def planted(self, fault: Fault) -> list[BootstrapSample]:
        """What is measured on the model with a fault planted, one deck an endpoint."""
        return [
            self._deck(e, self._workshop.faulty(self._healthy(e), fault), self._planted)
            for e in self._endpoints
        ]

    def example(self, fault: Fault) -> tuple[bytes, bytes]:
        """See `SelfTester.example`."""
        found = (self._workshop.example(self._healthy(e), fault) for e in self._endpoints)
        return next((pair for pair in found if pair is not None), (b"", b""))

    def _healthy(self, endpoint: Endpoint) -> Branch:
        return self._workshop.healthy(endpoint.endpoint, self.model, endpoint.sampling.seeds)

    def _pooled(self, endpoint: Endpoint) -> Branch:
        seeds = (*endpoint.sampling.seeds, *self._others)
        return self._workshop.healthy(endpoint.endpoint, self.model, seeds)

    def _deck(self, endpoint: Endpoint, branch: Branch, name: str = "") -> BootstrapSample:
        name = name or self.model
        images, tables = (
            branch.images.assign(model=name),
            [t.assign(model=name) for t in branch.tables],
        )
        metrics = [c.metric for c in endpoint.all_criteria]
        metrics += [m for d in endpoint.review.disagree for m in d.metrics]
        return BootstrapSample(gather_measured(name, images, tables), metrics)


def endpoints_of(project: Project) -> list[Endpoint]:
    """Those whose images are made: nothing can be planted into a folder of images."""
    return [
        e
        for e in project.usable_endpoints()
        if not isinstance(project.model(e.incumbent), FolderModel)
    ]


def _with(project: Project, endpoints: Sequence[Endpoint]) -> Project:
    """The project, with these endpoints in place of its own."""
    changed = {e.endpoint: replace(project.endpoints[e.endpoint], document=e) for e in endpoints}
    return replace(project, endpoints=changed)
