"""How often a fault is caught, and a healthy model accused: the rule, run on many draws.

A draw is what another day might have shown: prompts are drawn anew with replacement, each with all
its images (its cluster), and seeds are chosen where there are more than the contract asks for. Each
draw is judged by `compare` and `decide`, the functions behind the assets.

**Caught** means: at some endpoint the verdict is not GO, and a criterion of severity `gating` or
`review` is shown to be broken that does not speak against the healthy model, with other seeds, in
the same draw. That is a NO-GO, a REVIEW, or an INCONCLUSIVE which names what a person must look at.
A plain INCONCLUSIVE catches nothing, since healthy models get it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from imgassets.decision.comparison import compare
from imgassets.decision.paired_scores import Measured
from imgassets.decision.statistics import wilson_interval
from imgassets.decision.verdict import Decision, Verdict, decide
from imgassets.documents.contract import Endpoint

_WORST_FIRST: tuple[Decision, ...] = ("NO-GO", "REVIEW", "INCONCLUSIVE", "GO")
_TEXTS = ("endpoint", "model", "flow", "metric", "prompt_id", "status")


@dataclass(frozen=True)
class Rate:
    """A share of draws with its 95 % Wilson interval."""

    count: int
    draws: int

    @property
    def value(self) -> float:
        """The rate, 0..1."""
        return self.count / self.draws

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate (Wilson), each end 0..1."""
        return wilson_interval(self.value, self.draws, quantile=float(special.ndtri(0.975)))


@dataclass(frozen=True)
class Detection:
    """What became of one fault.

    Attributes:
        verdict: on all that was measured; the worst of the endpoints'.
        criterion: that decided it, with its endpoint; empty where the fault is not caught.
        caught, no_go: how often over the draws it is caught, and by a NO-GO.
    """

    verdict: Decision
    criterion: str
    caught: Rate
    no_go: Rate


class BootstrapSample:
    """What was measured on a model, ready to be drawn from."""

    def __init__(self, measured: Measured, metrics: Sequence[str]) -> None:
        rows = measured.rows[measured.rows["metric"].isin(metrics)]
        self._model = measured.model
        self._rows, self._images = _light(rows), _light(measured.images)
        self._row_places, self._image_places = _places(self._rows), _places(self._images)

    @property
    def prompts(self) -> list[str]:
        """Ids of all prompts, sorted."""
        return sorted({prompt for prompt, _ in self._image_places})

    @property
    def seeds(self) -> list[int]:
        """All seeds, sorted."""
        return sorted({seed for _, seed in self._image_places})

    def drawn(self, prompts: Sequence[str], seeds: Sequence[int]) -> Measured:
        """These prompts, each as often as it is listed, with these seeds; both get new numbers."""
        wanted = [(p, s, i, j) for i, p in enumerate(prompts) for j, s in enumerate(seeds)]
        rows = _taken(self._rows, self._row_places, wanted)
        return Measured(self._model, rows, _taken(self._images, self._image_places, wanted))


@dataclass(frozen=True)
class SelfTestData:
    """One endpoint's healthy side.

    Attributes:
        endpoint: the contract, with the healthy model as its incumbent.
        incumbent: the healthy model with the contract's seeds and others.
        candidate: the same under a candidate's name.
    """

    endpoint: Endpoint
    incumbent: BootstrapSample
    candidate: BootstrapSample

    def prompts(self, draw: int) -> list[str]:
        """The prompts of a draw; the same for every fault."""
        known = self.incumbent.prompts
        return [known[i] for i in _random(draw, 0).integers(0, len(known), len(known))]

    def healthy(self, draw: int) -> Verdict:
        """The healthy model against itself, no seed used on both sides."""
        prompts, count = self.prompts(draw), len(self.endpoint.sampling.seeds)
        seeds = [int(s) for s in _random(draw, 1).permutation(self.incumbent.seeds)]
        return judge(
            self.endpoint,
            self.candidate.drawn(prompts, seeds[:count]),
            self.incumbent.drawn(prompts, seeds[count : 2 * count]),
        )


@dataclass(frozen=True)
class Drawn:
    """One draw, judged.

    Attributes:
        healthy: verdicts on the healthy model with other seeds, one an endpoint.
        alarms: for each fault the last verdict that caught it, or an empty word.
    """

    healthy: tuple[Decision, ...]
    alarms: tuple[str, ...]


def judge(endpoint: Endpoint, candidate: Measured, incumbent: Measured) -> Verdict:
    """As the assets do; the bootstrap, which never decides, is left out."""
    return decide(compare(endpoint, candidate, incumbent, seed=None))


def judge_draw(
    benches: Sequence[SelfTestData], faulty: Sequence[Sequence[BootstrapSample]], draw: int
) -> Drawn:
    """Judge one draw of the healthy model and of every fault.

    Arguments:
        benches: one an endpoint.
        faulty: for each fault, one deck an endpoint, in the same order.
    """
    alarms = [""] * len(faulty)
    healthy = []
    for number, bench in enumerate(benches):
        verdict = bench.healthy(draw)
        healthy.append(verdict.verdict)
        against = speaking_against(verdict)
        prompts, seeds = bench.prompts(draw), bench.endpoint.sampling.seeds
        incumbent = bench.incumbent.drawn(prompts, seeds)
        for fault, decks in enumerate(faulty):
            if alarms[fault] != "NO-GO":  # nothing is worse, so no other endpoint need be asked
                found = judge(bench.endpoint, decks[number].drawn(prompts, seeds), incumbent)
                if speaking_against(found) - against:
                    alarms[fault] = found.verdict
    return Drawn(tuple(healthy), tuple(alarms))


def whole(benches: Sequence[SelfTestData], decks: Sequence[BootstrapSample]) -> Verdict:
    """The worst of the endpoints' verdicts on all that was measured, nothing drawn."""
    found = []
    for bench, deck in zip(benches, decks, strict=True):
        prompts, seeds = bench.incumbent.prompts, bench.endpoint.sampling.seeds
        candidate, incumbent = (d.drawn(prompts, seeds) for d in (deck, bench.incumbent))
        found.append(judge(bench.endpoint, candidate, incumbent))
    return min(found, key=lambda v: _WORST_FIRST.index(v.verdict))


def detection(verdict: Verdict, alarms: Sequence[str]) -> Detection:
    """What became of a fault: the verdict on everything, and the alarm of each draw."""
    broken = speaking_against(verdict)
    first = next((name for name in verdict.decided_by if name in broken), next(iter(broken), ""))
    criterion = f"{verdict.endpoint}: {first}" if first else ""
    caught, no_go = (sum(map(test, alarms)) for test in (bool, "NO-GO".__eq__))
    return Detection(
        verdict.verdict, criterion, Rate(caught, len(alarms)), Rate(no_go, len(alarms))
    )


def speaking_against(verdict: Verdict) -> Set[str]:
    """Criteria that are shown to be broken and may stop a GO, in the contract's order."""
    stopping = [c for c in verdict.criteria if c["severity"] in ("gating", "review")]
    return dict.fromkeys(c["criterion"] for c in stopping if c["state"] == "broken").keys()


def _random(draw: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([20261124, draw, stream])


def _light(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as categories, so that drawing thousands of times stays quick."""
    table = table.drop(columns=["reason", "message"], errors="ignore").reset_index(drop=True)
    return table.astype({name: "category" for name in _TEXTS if name in table.columns})


def _places(table: pd.DataFrame) -> dict[tuple[str, int], np.ndarray]:
    groups: Any = table.groupby(["prompt_id", "seed"], observed=True).indices
    return {(str(prompt), int(seed)): found for (prompt, seed), found in groups.items()}


def _taken(
    table: pd.DataFrame,
    places: Mapping[tuple[str, int], np.ndarray],
    wanted: Sequence[tuple[str, int, int, int]],
) -> pd.DataFrame:
    none = np.array([], np.int64)
    found = [places.get((prompt, seed), none) for prompt, seed, _, _ in wanted]
    counts = [len(f) for f in found]
    return table.take(np.concatenate(found)).assign(
        prompt_id=np.repeat([number for _, _, number, _ in wanted], counts),
        seed=np.repeat([number for _, _, _, number in wanted], counts),
    )
