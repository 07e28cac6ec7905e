"""The gate of each candidate: what `imgassets rollout` asks before a step forward, as an asset.

Whatever depends on it in the same run is not made while the gate is closed. `validate` does not
make it: a closed gate is no failure of a validation, and hours and requests pass without a change
of any data.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from imgassets.defs.assets.branches import group_of, stage_key
from imgassets.defs.resources import ProjectResource
from imgassets.documents.contract import Endpoint
from imgassets.refresh.dagster_state import asset_keys
from imgassets.refresh.document_changes import facet_key
from imgassets.refresh.observed.drift import drift_key
from imgassets.refresh.observed.rollout import RELEASE_GATE

_CHECK = "open"


def release_gates(endpoint: Endpoint) -> list[dg.AssetsDefinition]:
    """One a candidate, where the contract has a rollout."""
    return [_gate(endpoint, m) for m in endpoint.candidates] if endpoint.rollout else []


def _gate(endpoint: Endpoint, model: str) -> dg.AssetsDefinition:
    name, key = endpoint.endpoint, stage_key(endpoint.endpoint, model, RELEASE_GATE)
    observed = [
        facet_key("endpoints", name, "rollout"),
        *(drift_key(name, m) for m in (endpoint.incumbent, model)),
    ]

    @dg.asset(
        key=key,
        deps=[stage_key(name, model, "verdict"), *asset_keys(observed)],
        group_name=group_of(name, model),
        check_specs=[
            dg.AssetCheckSpec(
                _CHECK, asset=key, blocking=True, description="Every gate of the next step is open."
            )
        ],
        description=f"Whether {model} may take its next step at {name}, and why not.",
    )
    def release_gate(
        context: dg.AssetExecutionContext, workplace: ProjectResource
    ) -> Iterator[dg.MaterializeResult]:
        from imgassets.defs.release_evidence import release_evidence
        from imgassets.rollout.gates import gates_ahead
        from imgassets.rollout.record import read_record
        from imgassets.rollout.standing import standing
        from imgassets.storage.rollout_files import rollout_files

        project = workplace.project()
        contract = project.endpoint(name)
        if contract.rollout is None:
            raise dg.Failure(f"{name} has no `rollout` any more; reload definitions")
        at = standing(read_record(rollout_files(project.root)), name)
        found = release_evidence(project, context.instance, name, model)
        gates = gates_ahead(contract, contract.rollout, model, found, at, datetime.now(UTC))
        closed = [gate for gate in gates if not gate.open]
        told = {"gates": dg.MetadataValue.md("\n".join(f"- {gate}" for gate in gates))}
        check = dg.AssetCheckResult(
            passed=not closed,
            check_name=_CHECK,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(gate.name for gate in closed) or "all gates are open",
            metadata=told,
        )
        yield dg.MaterializeResult(metadata=told, check_results=[check])

    return release_gate
