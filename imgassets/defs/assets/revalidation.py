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
from imgassets.documents.project import Project
from imgassets.drift.findings import DriftFile
from imgassets.drift.revalidation import revalidate
from imgassets.flows import FLOWS
from imgassets.refresh.dagster_state import asset_key, observation
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.drift import drift_key, drift_state

if TYPE_CHECKING:
    import logging

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
        deps=[stage_key(name, model, FLOWS[flow].stage) for flow in endpoint.flows],
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
        from imgassets.drift.page import write_drift_page

        file = DriftFile(workplace.home().drift)
        hosted = workplace.project().model(model).once_only
        if not hosted:  # there each image would be paid for once more (docs/hosted.md)
            _make_again(workplace, maker, file, (name, model), config.images_per_flow, context.log)
        state = drift_state(file, name, model)
        context.log_event(observation(state, state.change(None)))
        write_drift_page(file, workplace.store(), workplace.project().branches())
        shown = {"hosted": "not made again: each image would be paid for once more"}
        return dg.MaterializeResult(
            data_version=dg.DataVersion(state.version), metadata=shown if hosted else state.shown
        )

    return revalidation


def _make_again(
    workplace: ProjectResource,
    maker: BackendPool,
    file: DriftFile,
    branch: tuple[str, str],
    images_per_flow: int,
    log: "logging.Logger",
) -> None:
    project, (endpoint, model) = workplace.project(), branch
    device, _ = maker.chosen()
    requests = requests_of(project, endpoint, model, device)
    revalidate(
        branch,
        {f: [r for r in requests if r.flow == f] for f in project.endpoint(endpoint).flows},
        workplace.store(),
        file,
        lambda flow: maker.engine(project, model, flow),
        images_per_flow=images_per_flow,
        device=device,
        log=log,
    )


def fed_by_revalidation(
    observed: Iterable[dg.AssetsDefinition], project: Project
) -> list[dg.AssetsDefinition]:
    """Observed state in which each drift names the revalidation that finds it."""
    found_by = {
        asset_key(drift_key(*branch)): stage_key(*branch, REVALIDATION)
        for branch in project.branches()
    }

    def fed(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in found_by:
            return spec
        return spec.replace_attributes(deps=[found_by[spec.key]])

    return [assets.map_asset_specs(fed) for assets in observed]
