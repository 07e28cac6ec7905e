"""Revalidation: a pinned sample of a branch's images made again; what drifted stops a GO.

It is made by a job of its own and not by `validate`, since images that drift change no table.
Verdicts depend on what it found, which is observed as `drift/ENDPOINT/MODEL`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg

from imgassets.defs.assets.branches import group_of, stage_key, tags_of
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.contract import Endpoint
from imgassets.documents.hosted import HostedModel
from imgassets.documents.project import Project
from imgassets.drift.revalidation import Drift, DriftFile
from imgassets.refresh.dagster_state import asset_key, observation
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.drift import drift_key, drift_state
from imgassets.refresh.observed.state import branches
from imgassets.refresh.outputs import STAGES

if TYPE_CHECKING:
    import logging

    from imgassets.drift.branch import BranchSample

REVALIDATION = "revalidation"
_REVALIDATION_VERSION = "1"


class Sample(dg.Config):
    """How much a revalidation makes again."""

    images_per_flow: int = 4


def revalidation_asset(endpoint: Endpoint, model: str) -> dg.AssetsDefinition:
    """The last revalidation of a branch. One that fails stops no other branch's."""
    name = endpoint.endpoint

    @dg.asset(
        key=stage_key(name, model, REVALIDATION),
        deps=[stage_key(name, model, STAGES[flow]) for flow in endpoint.flows],
        group_name=group_of(name, model),
        code_version=_REVALIDATION_VERSION,
        tags=tags_of(endpoint, model),
        pool="gpu",
        kinds={"image"},
        description="A pinned sample of the stored images, made again and compared pixel by pixel.",
    )
    def revalidation(
        context: dg.AssetExecutionContext,
        config: Sample,
        workplace: ProjectResource,
        maker: BackendPool,
    ) -> dg.MaterializeResult:
        from imgassets.drift.branch import write_drift_page

        file = DriftFile(workplace.home() / "drift")
        sample = _sample(workplace, maker, (name, model), context.log)
        drifts = sample.revalidate(config.images_per_flow) if sample else file.read(name, model)
        state = drift_state(file, name, model)
        context.log_event(observation(state, state.change(None)))
        write_drift_page(file, workplace.store(), branches(workplace.project()))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(state.version), metadata=_shown(drifts, hosted=not sample)
        )

    return revalidation


def _sample(
    workplace: ProjectResource,
    maker: BackendPool,
    branch: tuple[str, str],
    log: "logging.Logger",
) -> "BranchSample | None":
    """None of a hosted model: each remade image would be paid for again (docs/hosted.md)."""
    from imgassets.drift.branch import BranchSample

    project, (endpoint, model) = workplace.project(), branch
    if isinstance(project.model(model), HostedModel):
        return None
    device, _ = maker.chosen()
    return BranchSample(
        endpoint,
        model,
        project.endpoint(endpoint).flows,
        requests_of(project, endpoint, model, device),
        workplace.store(),
        lambda flow: maker.maker(project, model, flow),
        device,
        DriftFile(workplace.home() / "drift"),
        log,
    )


def _shown(drifts: list[Drift], hosted: bool) -> dict[str, str | int]:
    if hosted:
        return {"drifted": "hosted, not made again: each image would be paid for once more"}
    return {"drifted": len(drifts), "which": "\n".join(d.words for d in drifts) or "none"}


def fed_by_revalidation(
    observed: Iterable[dg.AssetsDefinition], project: Project
) -> list[dg.AssetsDefinition]:
    """Observed state in which each drift names the revalidation that finds it."""
    found_by = {
        asset_key(drift_key(*branch)): stage_key(*branch, REVALIDATION)
        for branch in branches(project)
    }

    def fed(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in found_by:
            return spec
        return spec.replace_attributes(deps=[found_by[spec.key]])

    return [assets.map_asset_specs(fed) for assets in observed]
