"""The graph of a project, built from its documents: the product and its tests use this alone."""

from __future__ import annotations

from typing import Any

import dagster as dg

from imgassets.backends.device import choose_device
from imgassets.defs.asset_checks import branch_checks
from imgassets.defs.assets.branches import branch_assets
from imgassets.defs.assets.release_gate import CLEARANCE_GROUP, clearance_asset, clearance_check
from imgassets.defs.assets.report import report_asset
from imgassets.defs.assets.revalidation import nightly_drift, revalidate
from imgassets.defs.assets.verdict import verdict_assets
from imgassets.defs.document_check import all_documents, document_check
from imgassets.defs.io_managers import JsonDocuments, ParquetTables
from imgassets.defs.observable_state import observed_assets
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.defs.run_logger import progress
from imgassets.defs.schedules import nightly_revalidation
from imgassets.defs.sensors import automated, documents_changed, keep_in_step
from imgassets.documents.facets import model_facets
from imgassets.documents.project import Project

#: Runs everything in one process, so that a loaded pipeline serves all image assets of a run.
VALIDATE_JOB = "validate"


def build_definitions(project: Project, device: str = "auto") -> dg.Definitions:
    """All assets, checks, jobs and schedules of a project's usable documents."""
    endpoints = project.usable_endpoints()
    branches = [(endpoint, model) for endpoint in endpoints for model in endpoint.models]
    candidates = [(endpoint, model) for endpoint in endpoints for model in endpoint.candidates]
    observed = observed_assets(project)
    job = dg.define_asset_job(
        VALIDATE_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.groups(CLEARANCE_GROUP),
        executor_def=dg.in_process_executor,
        description="From requests to verdicts and reports; images in the store are reused.",
    )
    return dg.Definitions(
        assets=[
            all_documents(),
            *observed,
            *automated(_made(project, device)),
            *(clearance_asset(e, m) for e, m in candidates),
        ],
        asset_checks=[
            document_check(),
            *(check for e, m in branches for check in branch_checks(e, m)),
            *(clearance_check(e, m) for e, m in candidates),
        ],
        jobs=[job, revalidate] if branches else [],
        schedules=[nightly_revalidation(job), nightly_drift] if branches else [],
        sensors=[
            documents_changed({key for kind in observed for key in kind.keys}),
            *([keep_in_step()] if branches else []),
        ],
        resources=_resources(project, device),
        executor=dg.in_process_executor,
        loggers={"console": progress},
    )


def made_graph(project: Project, device: str = "auto") -> Any:
    """Dagster's graph of what is made, without checks, jobs and sensors: all a plan looks at."""
    assets = _made(project, device)
    return dg.Definitions(assets, resources=_resources(project, device)).resolve_asset_graph()


def _made(project: Project, device: str) -> list[dg.AssetsDefinition]:
    endpoints = project.usable_endpoints()
    branches = [(endpoint, model) for endpoint in endpoints for model in endpoint.models]
    chosen, _ = choose_device(device)
    return [
        *(
            asset
            for e, m in branches
            for asset in branch_assets(e, m, chosen, model_facets(project.model(m)))
        ),
        *(asset for e, m in branches for asset in verdict_assets(e, m)),
        *(report_asset(e) for e in endpoints),
    ]


def _resources(project: Project, device: str) -> dict[str, Any]:
    workplace = ProjectResource(root=str(project.root))
    return {
        "workplace": workplace,
        "maker": BackendPool(device=device),
        "io_manager": ParquetTables(workplace=workplace),
        "verdicts": JsonDocuments(workplace=workplace),
    }
