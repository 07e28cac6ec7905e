"""Which images the store lacks, and what making them will cost: from measured costs, no pixels.

And what everything else takes that a plan leads to: starting, importing, tables, checks, reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from imgassets.documents.price import Price
from imgassets.documents.project import Project
from imgassets.flows import FlowName
from imgassets.metrics.families import FAMILIES
from imgassets.refresh.plan import Plan
from imgassets.requests import Request
from imgassets.storage.image_store import CorruptEntryError, ImageStore

#: Seconds for one unit of work (a sampling step; for upscales an image), by model and flow.
UnitSeconds = Mapping[tuple[str, str], float]
_SAMPLED = 16
#: Seconds to take in an image that exists, whatever it took to make: read, held against the guard
#: and stored (512 px).
_TAKEN_IN = 0.05
#: Seconds to start at pace 1, and paces that are believed: files may have come from a cold disk.
_STARTED = 2.2
_FILE = "file_sha256"
_PACES = (0.3, 4.0)


def lacking(requests: Iterable[Request], store: ImageStore) -> list[Request]:
    """Requests whose image is not stored whole; what several branches ask for counts once."""
    unseen = {r.image_key: r for r in requests}
    whole = store.seem_intact(unseen)
    return [request for key, request in unseen.items() if key not in whole]


def count(requests: Sequence[Request]) -> dict[FlowName, int]:
    """Images by flow."""
    return dict(Counter(r.flow for r in requests))


def unit_seconds(
    store: ImageStore, made: Mapping[tuple[str, str], Sequence[str]]
) -> dict[tuple[str, str], float]:
    """Median measured seconds for one unit of work.

    Args:
        store: where each image's record says how long it took.
        made: keys of images by model and flow; some of them, spread evenly, are looked at.
    """
    measured = {}
    for what, keys in made.items():
        step = max(1, len(keys) // _SAMPLED)
        seconds = [s for key in keys[::step] if (s := _seconds(store, key)) is not None]
        if seconds:
            measured[what] = median(seconds)
    return measured


def _seconds(store: ImageStore, key: str) -> float | None:
    try:
        record = store.record(key)
    except (KeyError, CorruptEntryError):
        return None
    if not record.seconds or _FILE in record.request:  # not told, or told of another machine
        return None
    return record.seconds / _units(record.request)


def _units(inputs: Mapping[str, dict]) -> int:
    """Sampling steps of a request; an upscale is one unit."""
    return int(inputs["sampling"]["steps"]) if "sampling" in inputs else 1


def estimate(
    requests: Sequence[Request], measured: UnitSeconds, project: Project
) -> tuple[float | None, float | None]:
    """Seconds and USD to make images.

    A model that never made an image of a flow is taken to be as fast, step by step, as the median
    of those that did. None when no model ever did: a guess would look like a measurement.
    """
    seconds: list[float] = []
    usd: list[float | None] = []
    for request in requests:
        unit = measured.get((request.model, request.flow), _typical(measured, request.flow))
        unit = _TAKEN_IN if _FILE in request.inputs else unit
        price = project.model(request.model).price
        if unit is not None:
            seconds.append(unit * _units(request.inputs))
        usd.append(_usd(price, None if unit is None else seconds[-1], request.flow))
    known = [u for u in usd if u is not None]
    return (
        sum(seconds) if len(seconds) == len(requests) else None,
        sum(known) if len(known) == len(requests) else None,
    )


def _typical(measured: UnitSeconds, flow: str) -> float | None:
    of_flow = [s for (_, f), s in measured.items() if f == flow]
    return median(of_flow) if of_flow else None


def _usd(price: Price, seconds: float | None, flow: FlowName) -> float | None:
    if seconds is None and price.usd_per_image is None:
        return None
    return price.usd(seconds or 0.0, flow)


def pace_of(started: float) -> float:
    """How slow this machine is at this moment, by the seconds until `plan` had all imported."""
    return min(max(started / _STARTED, _PACES[0]), _PACES[1])


@dataclass(frozen=True)
class Surroundings:
    """What a plan costs beside images and scores, in seconds on a machine of pace 1.

    Measured on 2 cores; `imgassets_tests/benchmarks/plan_estimates.py` holds it against what
    happens.
    """

    start: float = 2.8  # of a command: the same with Dagster's instance opened, and its end
    wave: float = 1.2  # of each of Dagster's runs
    asset: float = 0.15  # reading, writing and noting one, or holding its checks
    check: float = 0.1
    checking: float = 4.0  # importing what checks need
    making: float = 5.0  # importing what makes images here
    loading: float = 1.5  # a small pipeline; a large one takes as long as its files are large
    scoring: float = 2.0  # importing what looks at images
    report: float = 2.0

    def seconds(
        self, plan: Plan, missing: Sequence[Request], checks: int, planning: float, pace: float
    ) -> float:
        """All of it.

        Args:
            plan: with what follows, which is taken to come out different.
            missing: requests whose images are to be made.
            checks: that are held again of assets which stay as they are.
            planning: seconds that planning took now; each wave plans again.
            pace: how slow this machine is, at this moment.
        """
        waves = bool(plan.must) + bool(plan.follow)
        stages = [key.rpartition("/")[2] for key in plan.assets]
        loaded = {r.model for r in missing if "generator" in r.inputs and "device" in r.inputs}
        fixed = self.start + self.wave * waves + self.check * checks
        fixed += self.asset * sum(1 if s.startswith("requests_") else 2 for s in stages)
        fixed += self.report * stages.count("report")
        fixed += self.checking if stages or checks else 0.0
        fixed += (self.making if loaded else 0.0) + self.loading * len(loaded)
        fixed += self.scoring if any(stage in FAMILIES for stage in stages) else 0.0
        return fixed * pace + planning * (waves + 1)
