"""What must be made again, why, and what it costs: decided before any work is done.

Knows neither Dagster nor a model: it gets the graph as a list of assets with what their latest
materialization was made from, and walks it from documents to reports. Two kinds of assets are in
a plan: those that *must* be made (something they were made from is no longer what it was), and
those that *follow* (something above them is made again, and may come out different).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imgassets.flows import FLOWS, FlowName
from imgassets.refresh.observed.state import ObservedState

Json = dict[str, Any]
_SHOWN_CAUSES = 3


@dataclass(frozen=True)
class Made:
    """An asset's latest materialization.

    Attributes:
        version: its data version.
        code_version: of the code that made it.
        inputs: data versions of what it was made from, by key.
        file_sha256: of the file it wrote; None where that was not noted.
        at: when, seconds since 1970.
    """

    version: str
    code_version: str | None
    inputs: Mapping[str, str]
    file_sha256: str | None = None
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Asset:
    """An asset as the graph has it now.

    Attributes:
        key: `ENDPOINT/MODEL/STAGE`.
        parents: keys it is made from; documents among them.
        code_version: of the code that would make it.
        made: its latest materialization, None when there is none.
        corruption: why what it wrote cannot be used any more; empty when it can.
        transient: what failed in it and may come out well when tried again; empty when nothing.
        predicted: the data version it would have if it were made now, where that is known.
        mirrors: parents whose other data version is sure to give it another one.
        together: other assets that the same step makes; none of them can be made alone.
    """

    key: str
    parents: tuple[str, ...]
    code_version: str | None
    made: Made | None
    corruption: str = ""
    transient: str = ""
    predicted: str | None = None
    mirrors: tuple[str, ...] = ()
    together: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is out of date.

    Attributes:
        must: assets that have to be made again, with the reasons, in the order they are made.
        follow: assets below them that are made again if something above comes out different.
        parents: of all assets.
        images: how many images of each flow the store lacks for it.
        seconds: estimated time to make them; None when nothing like it was ever measured.
        usd: estimated price of them; None likewise.
        scores: how many images each metric family is to look at.
        score_seconds: estimated time for that; None when a family was never timed.
        other_seconds: estimated time of all else: start, imports, tables, checks, reports.
    """

    must: Mapping[str, str]
    follow: Mapping[str, str]
    parents: Mapping[str, tuple[str, ...]] = field(repr=False)
    images: Mapping[FlowName, int] = field(default_factory=dict)
    seconds: float | None = 0.0
    usd: float | None = 0.0
    scores: Mapping[str, int] = field(default_factory=dict)
    score_seconds: float | None = 0.0
    other_seconds: float = 0.0

    @property
    def total_seconds(self) -> float | None:
        """Estimated time of it all; None where a part of it was never measured."""
        if self.seconds is None or self.score_seconds is None:
            return None
        return self.seconds + self.score_seconds + self.other_seconds

    @property
    def assets(self) -> dict[str, str]:
        """All assets of the plan with their reasons, in the order of the graph."""
        everything = {**self.must, **self.follow}
        return {key: everything[key] for key in self.parents if key in everything}

    def ready(self, tried: Iterable[str] = ()) -> list[str]:
        """What can be made in one run now: nothing above it is still to be decided.

        Args:
            tried: assets that were already run; neither they nor what waits for them is ready.
                Give them to `walk` as well, so that what failed once more is not waited for.
        """
        gone = set(tried)
        ready: set[str] = set()
        planned = self.assets
        for key in planned:
            waits = any(p in planned and p not in ready for p in self.parents[key])
            if key in self.must and key not in gone and not waits:
                ready.add(key)
        return [key for key in planned if key in ready]

    def to_dict(self) -> Json:
        """The JSON form of `imgassets plan --json`."""
        total = self.total_seconds
        return {
            "assets": [{"key": key, "why": why} for key, why in self.assets.items()],
            "images": {flow: self.images.get(flow, 0) for flow in FLOWS},
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "usd": None if self.usd is None else round(self.usd, 6),
            "scores": dict(self.scores),
            "score_seconds": None if self.score_seconds is None else round(self.score_seconds, 3),
            "other_seconds": round(self.other_seconds, 3),
            "total_seconds": None if total is None else round(total, 3),
        }


def walk(
    assets: Sequence[Asset],
    observed: Mapping[str, ObservedState],
    wanted: set[str],
    tried: Iterable[str] = (),
) -> Plan:
    """Find what is out of date among the wanted assets.

    Args:
        assets: all of the graph, parents before children.
        observed: what no run makes, as it is now, by key.
        wanted: keys to bring up to date.
        tried: keys that were just made: what failed in them is not tried again, and what is below
            is made from what there is.
    """
    walker = _Walker(observed, frozenset(tried), {a.key: a for a in assets})
    for asset in assets:
        walker.visit(asset, asset.key in wanted)
    return Plan(walker.must, walker.follow, {a.key: a.parents for a in assets})


class _Walker:
    def __init__(
        self,
        observed: Mapping[str, ObservedState],
        tried: frozenset[str],
        assets: Mapping[str, Asset],
    ) -> None:
        self._observed = observed
        self._tried = tried
        self._assets = assets
        self._versions: dict[str, str | None] = {
            key: state.version for key, state in observed.items()
        }
        self._changes: set[str] = set()  # certain to come out with another data version
        self._undecided: set[str] = set()  # made again; may, or may not, come out different
        self._roots: dict[str, list[str]] = {}
        self.must: dict[str, str] = {}
        self.follow: dict[str, str] = {}

    def visit(self, asset: Asset, wanted: bool) -> None:
        """Decide on one asset; all its parents were visited before."""
        self._versions[asset.key] = asset.made.version if asset.made else None
        if not wanted:
            return
        causes = self._causes(asset) or self._causes_beside(asset)
        if causes:
            self._roots[asset.key] = causes
            self.must[asset.key] = _joined(causes)
            self._foresee(asset)
            return
        above = [p for p in asset.parents if p in self._undecided]
        if above:
            self._undecided.add(asset.key)
            self._roots[asset.key] = _unique(r for p in above for r in self._roots[p])
            self.follow[asset.key] = f"follows {above[0]}: {_joined(self._roots[asset.key])}"

    def _foresee(self, asset: Asset) -> None:
        if asset.predicted is None:
            sure = any(p in self._changes for p in asset.mirrors)
            (self._changes if sure else self._undecided).add(asset.key)
            return
        if self._versions[asset.key] != asset.predicted:
            self._changes.add(asset.key)
        self._versions[asset.key] = asset.predicted

    def _causes(self, asset: Asset) -> list[str]:
        made = asset.made
        if made is None:
            return ["never made"]
        causes = [asset.corruption] if asset.corruption else []
        if asset.transient and asset.key not in self._tried:
            causes.append(asset.transient)
        if made.code_version != asset.code_version:
            causes.append(f"code version {made.code_version} -> {asset.code_version}")
        causes += [c for p in asset.parents for c in self._cause_above(made, p)]
        gone = [p for p in made.inputs if p not in asset.parents]
        causes += [f"no longer depends on {p}" for p in gone]
        if not causes and asset.predicted not in (None, made.version):
            # A document that changed while it was made and was taken back, or a library that is in
            # image keys alone: neither leaves a trace above.
            causes.append("asks for other images than those that were requested")
        return _unique(causes)

    def _causes_beside(self, asset: Asset) -> list[str]:
        """What a step makes has the same parents, so its causes are known when the first is."""
        beside = [key for key in asset.together if self._causes(self._assets[key])]
        return [f"made together with {beside[0]}"] if beside else []

    def _cause_above(self, made: Made, parent: str) -> list[str]:
        before, now = made.inputs.get(parent), self._versions.get(parent)
        if before is None:
            return [f"now depends on {parent}"]
        if parent in self._observed:
            return [self._observed[parent].change(before)] if before != now else []
        if parent in self._changes:
            return self._roots[parent]
        if before != now:
            return [f"{parent} came out different"]
        return []


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _joined(causes: Sequence[str]) -> str:
    more = len(causes) - _SHOWN_CAUSES
    return "; ".join(causes[:_SHOWN_CAUSES]) + (f"; and {more} more" if more > 0 else "")
