"""Plans for a project as it is now: documents, tables and images are read, nothing is changed.

Dagster's own stale status looks one step up and takes documents as they were last observed. Here
the documents are read as they are, and the requests are built, so that the plan is known at once.
The truth is the same: data versions, code versions and dependencies of latest materializations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from imgassets.documents.project import Project
from imgassets.documents.yardstick import check_versions
from imgassets.flows import OF_STAGE
from imgassets.metrics.families import FAMILIES
from imgassets.refresh import estimate, outputs
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.kinds import observed_states
from imgassets.refresh.observed.state import ObservedState
from imgassets.refresh.plan import Asset, Plan, walk
from imgassets.requests import Request, requests_version
from imgassets.storage.image_store import ImageStore, store_of
from imgassets.storage.project_home import home_of

#: Dagster's key of an asset check; only handed on here.
Check = Any


class Known(Protocol):
    """What is known of the graph and of what was made (`dagster_state.DagsterState`)."""

    def assets(self) -> Sequence[Asset]:
        """All assets that a run makes, parents before children, as they were last made."""

    def observe(self, states: Iterable[ObservedState]) -> None:
        """Record what changed since it was last observed."""

    def outdated_checks(
        self, assets: set[str], versions: Mapping[tuple[str, str], str]
    ) -> Set[Check]:
        """Checks that were made of another table, or against other criteria."""


@dataclass(frozen=True)
class Planner:
    """Finds what is out of date, and why. Good for one state of the project: make a new one later.

    Attributes:
        project: the documents.
        device: class of device that images would be made on.
        known: what was made.
    """

    project: Project
    device: str
    known: Known

    def plan(self, wanted: set[str], tried: Iterable[str] = ()) -> Plan:
        """What is out of date among some assets, and what making it will cost.

        `tried` are those just made, whose failed images are not asked for once more.
        """
        judged = [self._judged(a) if a.key in wanted else a for a in self._assets]
        plan = walk(judged, self.observed, wanted, tried)
        missing = self._lacking_for(plan)
        if not missing:
            return plan
        seconds, usd = estimate.estimate(missing, self._unit_seconds(), self.project)
        return replace(plan, images=estimate.count(missing), seconds=seconds, usd=usd)

    def outdated_checks(self, plan: Plan, wanted: set[str]) -> Set[Check]:
        """Checks of assets that are up to date, held against other criteria or another table."""
        versions = {
            (f"{endpoint}/{model}/{table}", check): version
            for endpoint, model in self.project.branches()
            for (table, check), version in check_versions(
                self.project.endpoint(endpoint), model
            ).items()
        }
        return self.known.outdated_checks(wanted - plan.assets.keys(), versions)

    def observe(self) -> None:
        """Record what changed in the observed state since it was last observed."""
        self.known.observe(self.observed.values())

    def corrupted_files(self) -> list[Path]:
        """Tables and verdicts that are not as they were written."""
        home = home_of(self.project.root)
        found = []
        for asset in self._assets:
            path, sha256 = home.output(asset.key.split("/")), _sha256(asset)
            if sha256 and path.is_file() and not outputs.is_as_written(path, sha256):
                found.append(path)
        return found

    @cached_property
    def observed(self) -> dict[str, ObservedState]:
        """Documents, drift and the like, as they are now, by key."""
        return observed_states(self.project, self.device)

    @cached_property
    def requests(self) -> Mapping[tuple[str, str], list[Request]]:
        """Requests by endpoint and model; those of a branch are built when they are asked for."""
        return _Requests(lambda e, m: requests_of(self.project, e, m, self.device))

    @cached_property
    def _assets(self) -> Sequence[Asset]:
        return self.known.assets()

    @cached_property
    def _store(self) -> ImageStore:
        return store_of(home_of(self.project.root))

    def _judged(self, asset: Asset) -> Asset:
        """With what only the project's files and documents tell of it."""
        *branch, stage = asset.key.split("/")
        corruption, transient = "", ""
        if asset.made:
            home, key = home_of(self.project.root), (*branch, stage)
            corruption, transient = outputs.condition(home, key, _sha256(asset), self._store)
        asked = f"requests_{OF_STAGE[stage]}" if stage in OF_STAGE else None
        return replace(
            asset,
            corruption=corruption,
            transient=transient,
            predicted=self._predicted(asset.key),
            mirrors=("/".join((*branch, asked)),) if asked else (),
        )

    def _predicted(self, key: str) -> str | None:
        """The data version that requests would have now."""
        *branch, stage = key.split("/")
        if not stage.startswith("requests_"):
            return None
        endpoint, model = branch
        flow = stage.removeprefix("requests_")
        return requests_version([r for r in self.requests[endpoint, model] if r.flow == flow])

    def with_scores(self, plan: Plan) -> Plan:
        """A plan that also tells how many images each metric family is to look at."""
        planned = [key.split("/") for key in plan.assets]
        tables = [(k[0], k[1], k[2]) for k in planned if len(k) == 3 and k[2] in FAMILIES]
        if not tables:
            return plan
        from imgassets.refresh.score_estimate import missing_scores  # brings what scoring needs

        found = missing_scores(self.project, self.device, tables, self.requests)
        return replace(plan, scores=found.images, score_seconds=found.seconds)

    def with_surroundings(self, plan: Plan, wanted: set[str], planning: float, pace: float) -> Plan:
        """A plan that also tells how long all takes that is neither an image nor a score.

        Arguments as of `estimate.Surroundings.seconds`, and the assets that were asked for.
        """
        checks = len(self.outdated_checks(plan, wanted))
        missing = self._lacking_for(plan)
        seconds = estimate.Surroundings().seconds(plan, missing, checks, planning, pace)
        return replace(plan, other_seconds=seconds)

    def _lacking_for(self, plan: Plan) -> Sequence[Request]:
        """Requests of the image assets in a plan whose image is not stored."""
        keys = [key.split("/") for key in plan.assets]
        stages = frozenset(
            (e, m, OF_STAGE[s]) for e, m, s in (k for k in keys if len(k) == 3) if s in OF_STAGE
        )
        if stages not in self._lacking:
            planned = {(e, m) for e, m, _ in stages}
            asked = (
                request
                for branch in self.project.branches()
                if branch in planned
                for request in self.requests[branch]
                if (*branch, request.flow) in stages
            )
            self._lacking[stages] = estimate.lacking(asked, self._store)
        return self._lacking[stages]

    @cached_property
    def _lacking(self) -> dict[frozenset[tuple[str, str, str]], list[Request]]:
        """By (endpoint, model, flow) asked for: the store is asked once."""
        return {}

    def _unit_seconds(self) -> dict[tuple[str, str], float]:
        made: dict[tuple[str, str], list[str]] = {}
        for asset in self._assets:
            *branch, stage = asset.key.split("/")
            if asset.made and stage in OF_STAGE:
                path = home_of(self.project.root).output((*branch, stage))
                made.setdefault((branch[-1], OF_STAGE[stage]), []).extend(outputs.image_keys(path))
        return estimate.unit_seconds(self._store, made)


class _Requests(dict[tuple[str, str], list[Request]]):
    """By branch, each built once."""

    def __init__(self, build: Callable[[str, str], list[Request]]) -> None:
        super().__init__()
        self._build = build

    def __missing__(self, branch: tuple[str, str]) -> list[Request]:
        self[branch] = self._build(*branch)
        return self[branch]


def _sha256(asset: Asset) -> str | None:
    return asset.made.file_sha256 if asset.made else None
