"""What is asked for and when: a trace, or requests drawn as the contract says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from imgassets.documents.contract import Endpoint
from imgassets.documents.pilot import Pilot
from imgassets.documents.project import Project
from imgassets.documents.prompts import Prompt, PromptSet
from imgassets.documents.traces import TraceRow, read_trace
from imgassets.flows import FIRST, FLOWS, FlowName
from imgassets.pilot.arrivals import arrivals
from imgassets.requests import Request, RequestMaker, request_maker

#: The set of texts that a trace brings along, and the only prompt id in it.
_OWN = "trace"
_HOUR = 3600.0


@dataclass(frozen=True)
class Due:
    """One request of a client, and the requests for images it takes.

    Attributes:
        number: in order of time, from 0.
        at: seconds from the start when it is due.
        steps: in order; the image of the last one is delivered.
    """

    number: int
    at: float
    steps: tuple[Request, ...]

    @property
    def flow(self) -> FlowName:
        """Whose image is delivered."""
        return self.steps[-1].flow


def due_requests(
    project: Project, contract: Endpoint, pilot: Pilot, model: str, device: str, workers: int = 1
) -> list[Due]:
    """The traffic of a pilot, in order of time.

    Args:
        project: the documents.
        contract: of the endpoint.
        pilot: what is replayed.
        model: who is asked.
        device: device class, for image keys.
        workers: the traffic is for so many copies of the model; the share of one comes back. A
            Poisson stream, and any trace, is shared out at random.

    Raises:
        InvalidDocumentsError: the trace cannot be replayed.
        NoArrivalsError: nothing arrives.
    """
    if pilot.trace is not None:
        rows = read_trace(project, contract, pilot.trace)
        rows = _share_of_one(rows, workers, pilot.seed)
    else:
        rows = _drawn(project, contract, pilot, workers)
    chain = _Chains(project, contract, model, device)
    rng = np.random.default_rng([pilot.seed, 2])
    seeds = contract.sampling.seeds
    return [
        Due(number, row.time, chain.of(_seeded(row, seeds[int(rng.integers(len(seeds)))])))
        for number, row in enumerate(rows)
    ]


def _seeded(row: TraceRow, seed: int) -> TraceRow:
    return row if row.seed is not None else row.model_copy(update={"seed": seed})


def _share_of_one(rows: Sequence[TraceRow], workers: int, seed: int) -> list[TraceRow]:
    kept = np.random.default_rng([seed, 3]).integers(workers, size=len(rows)) == 0
    return [row for row, mine in zip(rows, kept, strict=True) if mine] or list(rows[:1])


def _drawn(project: Project, contract: Endpoint, pilot: Pilot, workers: int) -> list[TraceRow]:
    """Rows at the times of the shape; flows by their shares, prompts evenly."""
    traffic = contract.traffic
    if traffic is None:
        raise LookupError(f"{contract.endpoint}: a pilot without a trace needs `traffic`")
    times = arrivals(pilot, traffic.busiest_hour / _HOUR / workers)
    mix = pilot.flows or {f: n for f, n in traffic.per_month.items() if n} or {FIRST: 1}
    flows, shares = list(mix), np.array(list(mix.values()), float)
    rng = np.random.default_rng([pilot.seed, 1])
    chosen = rng.choice(len(flows), len(times), p=shares / shares.sum())
    prompts = [p for s in project.prompts_of(contract) for p in s.prompts]
    with_edit = [p for p in prompts if p.edit]
    rows = []
    for at, index in zip(times.tolist(), chosen.tolist(), strict=True):
        usable = with_edit if contract.edited(flows[index]) else prompts
        prompt = usable[int(rng.integers(len(usable)))]
        rows.append(TraceRow(time=at, prompt_id=prompt.id, flow=flows[index]))
    return rows


class _Chains:
    """Makes the requests that lead to an image."""

    def __init__(self, project: Project, contract: Endpoint, model: str, device: str) -> None:
        self._contract = contract
        self._open: Callable[[Endpoint], RequestMaker] = lambda asked: request_maker(
            project, asked, model, device
        )
        self._makers: dict[tuple[int, int], RequestMaker] = {}
        self._prompts = {p.id: (s, p) for s in project.prompts_of(contract) for p in s.prompts}
        self._known: dict[tuple[object, ...], tuple[Request, ...]] = {}

    def of(self, row: TraceRow) -> tuple[Request, ...]:
        size = row.size or self._contract.returns.size
        what = (row.flow, row.prompt_id, row.prompt, size, row.seed)
        if what not in self._known:
            prompt_set, prompt = self._asked(row)
            make = self._maker(size)
            steps = self._contract.lineage(row.flow)
            self._known[what] = tuple(make(f, prompt_set, prompt, row.seed or 0) for f in steps)
        return self._known[what]

    def _asked(self, row: TraceRow) -> tuple[PromptSet, Prompt]:
        if row.prompt_id is not None:
            return self._prompts[row.prompt_id]
        prompt = Prompt(id=_OWN, prompt=row.prompt or "")
        return PromptSet(prompt_set=_OWN, prompts=(prompt,)), prompt

    def _maker(self, size: tuple[int, int]) -> RequestMaker:
        if size not in self._makers:
            returns = self._contract.returns.model_copy(update={"size": size})
            self._makers[size] = self._open(self._contract.model_copy(update={"returns": returns}))
        return self._makers[size]


def warm_up(dues: Sequence[Due]) -> list[Due]:
    """One request of each flow, to load what is loaded late; none of them is measured."""
    first: dict[FlowName, Due] = {}
    for due in dues:
        first.setdefault(due.flow, due)
    ordered = sorted(first.values(), key=lambda due: list(FLOWS).index(due.flow))
    return [replace(due, number=-1, at=0.0) for due in ordered]
