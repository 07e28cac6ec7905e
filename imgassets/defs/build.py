"""The graph of a project, built from its documents: the product and its tests use this alone."""

from __future__ import annotations

from typing import Any

import dagster as dg

from imgassets.defs.asset_checks import branch_checks
from imgassets.defs.assets.branches import branch_assets
from imgassets.defs.assets.pilot import pilot_asset, pilot_checks
from imgassets.defs.assets.release_gate import release_gates
from imgassets.defs.assets.report import report_asset
from imgassets.defs.assets.revalidation import fed_by_revalidation, revalidation_asset
from imgassets.defs.assets.verdict import verdict_assets
from imgassets.defs.code_references import with_code_references
from imgassets.defs.document_check import all_documents, document_check
from imgassets.defs.executors import chosen_executor
from imgassets.defs.io_managers import JsonDocuments, ObservedContent, ParquetTables
from imgassets.defs.jobs import catch_up, pilot_job, revalidate_job, validate_job
from imgassets.defs.observable_state import observed_assets
from imgassets.defs.outcomes_watched import outcomes_watched, watched_endpoints
from imgassets.defs.resources import BackendPool, EarlierReports, LookRecord, ProjectResource
from imgassets.defs.run_logger import progress
from imgassets.defs.schedules import nightly_catch_up, nightly_revalidate
from imgassets.defs.sensors import automated, documents_changed, keep_in_step
from imgassets.documents.contract import Endpoint
from imgassets.documents.facets import facet_names
from imgassets.documents.project import Project


def build_definitions(project: Project, device: str = "auto") -> dg.Definitions:
    """All assets, checks, jobs and schedules of a project's usable documents."""
    branches = _branches(project)
    pilots = [(e, m) for e, m in branches if e.pilot]
    observed = fed_by_revalidation(observed_assets(project), project)
    assets = [
        *observed,
        *(revalidation_asset(e, m) for e, m in branches),
        *(gate for e in project.usable_endpoints() for gate in release_gates(e)),
        *(pilot_asset(e, m, facet_names(type(project.model(m)))) for e, m in pilots),
        *automated(_made(project)),
    ]
    return dg.Definitions(
        assets=[all_documents(), *with_code_references(assets, project)],
        asset_checks=[
            document_check(),
            *(check for e, m in branches for check in branch_checks(e, m)),
            *(pilot_checks(e, m) for e, m in pilots),
        ],
        jobs=[
            *([validate_job(), revalidate_job(), catch_up] if branches else []),
            *([pilot_job()] if pilots else []),
        ],
        schedules=[nightly_catch_up(), nightly_revalidate()] if branches else [],
        sensors=[
            documents_changed({key for kind in observed for key in kind.keys}),
            *([keep_in_step()] if branches else []),
            *([outcomes_watched()] if watched_endpoints(project) else []),
        ],
        resources=_resources(project, device),
        executor=chosen_executor(),
        loggers={"console": progress},
    )


def made_graph(project: Project) -> Any:
    """Dagster's graph of what `validate` makes and from what: all a plan looks at."""
    assets = [*observed_assets(project), *_made(project)]
    resources = _resources(project, "auto")  # nothing is run
    return dg.Definitions(assets, resources=resources).resolve_asset_graph()


def _made(project: Project) -> list[dg.AssetsDefinition]:
    branches = _branches(project)
    return [
        *(
            asset
            for e, m in branches
            for asset in branch_assets(
                e,
                m,
                facet_names(type(project.model(m))),
                learned=any(project.judge(name).learned for name in e.judges_used.values()),
            )
        ),
        *(asset for e, m in branches for asset in verdict_assets(e, m)),
        *(report_asset(e) for e in project.usable_endpoints()),
    ]


def _branches(project: Project) -> list[tuple[Endpoint, str]]:
    return [(project.endpoint(name), model) for name, model in project.branches()]


def _resources(project: Project, device: str) -> dict[str, Any]:
    workplace = ProjectResource(root=str(project.root))
    return {
        "workplace": workplace,
        "maker": BackendPool(device=device),
        "io_manager": ParquetTables(workplace=workplace),
        "verdicts": JsonDocuments(workplace=workplace),
        "observed": ObservedContent(workplace=workplace),
        "looks": LookRecord(workplace=workplace),
        "earlier": EarlierReports(workplace=workplace),
    }
