"""Clearance: where a verdict stops what follows it, such as a rollout.

Checks of tables and comparisons do not block: a broken criterion must still reach its verdict and
its report. What may only follow a GO depends on the candidate's clearance instead, whose one check
blocks. It is not part of the job `validate`, for a NO-GO is a result and no failed run.

Dagster blocks within a run. What runs later, by itself, must read the clearance it depends on.
"""

from typing import Any

import dagster as dg

from imgassets.defs.assets.branches import stage_key
from imgassets.documents.contract import Endpoint

CLEARANCE_GROUP = "clearance"
_CLEARANCE_VERSION = "1"


def clearance_key(endpoint: str, model: str) -> dg.AssetKey:
    """Asset key `["clearance", endpoint, model]`."""
    return dg.AssetKey(["clearance", endpoint, model])


def clearance_asset(endpoint: Endpoint, model: str) -> dg.AssetsDefinition:
    """A candidate's verdict as what follows it must take it: nothing else decides."""

    @dg.asset(
        key=clearance_key(endpoint.endpoint, model),
        ins={
            "verdict": dg.AssetIn(
                stage_key(endpoint.endpoint, model, "verdict"), input_manager_key="verdicts"
            )
        },
        group_name=CLEARANCE_GROUP,
        code_version=_CLEARANCE_VERSION,
        kinds={"verdict"},
        io_manager_key="verdicts",
        description=f"Whether {model} may replace {endpoint.incumbent} at {endpoint.endpoint}.",
    )
    def clearance(verdict: dict[str, Any]) -> dict[str, Any]:
        return {k: verdict[k] for k in ("endpoint", "model", "incumbent", "verdict", "sentence")}

    return clearance


def clearance_check(endpoint: Endpoint, model: str) -> dg.AssetChecksDefinition:
    """Blocks whatever depends on the clearance, unless the verdict is GO."""

    @dg.asset_check(
        asset=clearance_key(endpoint.endpoint, model),
        name="verdict_is_go",
        blocking=True,
        description="Nothing may follow a NO-GO, an INCONCLUSIVE, or a REVIEW nobody has made.",
        metadata={"severity": "gating"},
    )
    def check(clearance: dict[str, Any]) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=clearance["verdict"] == "GO",
            severity=dg.AssetCheckSeverity.ERROR,
            description=clearance["sentence"],
            metadata={"observed": clearance["verdict"], "expected": "GO"},
        )

    return check
