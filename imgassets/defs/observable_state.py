"""Observed state as observable assets: one step a kind, one asset a state.

Which kinds there are is said in `imgassets.refresh.observed.kinds`; nothing here knows any of them.
"""

import warnings
from collections.abc import Iterator, Mapping

import dagster as dg

from imgassets.defs.assets.branches import group_of, report_group
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.project import Project
from imgassets.refresh.dagster_state import asset_key, asset_keys
from imgassets.refresh.observed.kinds import KINDS
from imgassets.refresh.observed.state import ObservedKind

#: Group of what people write and where images are made: all the graph begins with.
INPUTS_GROUP = "inputs"


def observed_assets(project: Project) -> list[dg.AssetsDefinition]:
    """All that a project's assets are made from and that no run makes."""
    kinds = [(kind, kind.keys(project), kind.after(project)) for kind in KINDS]
    groups = {"/".join(branch): group_of(*branch) for branch in project.branches()}
    with warnings.catch_warnings():
        # The decorator is marked beta; we pin Dagster's minor version and test what we use of it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_observable(kind, keys, after, groups) for kind, keys, after in kinds if keys]


def _observable(
    kind: ObservedKind,
    keys: Mapping[str, str],
    after: Mapping[str, tuple[str, ...]],
    groups: Mapping[str, str],
) -> dg.AssetsDefinition:
    """A state of one branch lies in the branch's group, one that follows from assets with the
    endpoint's report; all others are inputs of the project.
    """
    ends = {key: report_group(key.partition("/")[0]) for key in after}

    @dg.multi_observable_source_asset(
        name=f"observe_{kind.name}",
        specs=[
            dg.AssetSpec(
                asset_key(key),
                description=what,
                deps=asset_keys(after.get(key, ())),
                group_name=ends.get(key) or groups.get(key.partition("/")[2], INPUTS_GROUP),
                tags={"state": kind.name},
            )
            for key, what in keys.items()
        ],
        can_subset=True,
    )
    def observe(
        context: dg.AssetExecutionContext, workplace: ProjectResource, maker: BackendPool
    ) -> Iterator[dg.ObserveResult]:
        project = workplace.project()
        wanted = {key.to_user_string() for key in context.selected_asset_keys}
        device, _ = maker.chosen()
        for state in kind.states(project, device):
            if state.key not in wanted:
                continue
            wanted.remove(state.key)
            state.remember()
            yield dg.ObserveResult(
                asset_key=asset_key(state.key),
                data_version=dg.DataVersion(state.version),
                metadata=state.shown,
            )
        if wanted:
            raise dg.Failure(_why_absent(project, wanted))

    return observe


def _why_absent(project: Project, keys: set[str]) -> str:
    told = "\n".join(str(problem) for problem in project.problems)
    return told or f"{', '.join(sorted(keys))}: gone; reload definitions"
