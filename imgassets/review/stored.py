"""What the last `imgassets validate` left of one branch: its verdict, and what was measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Project
from imgassets.flows import FLOWS
from imgassets.storage.project_home import ProjectHome

if TYPE_CHECKING:
    from imgassets.decision import Measured, Verdict


def branch_of(project: Project, endpoint: str, model: str) -> Endpoint:
    """The contract of an endpoint that names a model.

    Raises:
        LookupError: there is no such endpoint, or it has no such model.
    """
    if endpoint not in project.endpoints:
        raise LookupError(f"no endpoint {endpoint!r}; there are: {', '.join(project.endpoints)}")
    contract = project.endpoint(endpoint)
    if model not in contract.models:
        known = ", ".join(contract.models)
        raise LookupError(f"{endpoint} has no model {model!r}; it has: {known}")
    return contract


def stored_verdict(home: ProjectHome, endpoint: str, model: str) -> Verdict:
    """The verdict that was reached last.

    Raises:
        LookupError: there is none yet.
    """
    from imgassets.decision import Verdict

    path = home.output((endpoint, model, "verdict"))
    if not path.is_file():
        raise LookupError(_not_yet(f"no verdict on {model}", endpoint))
    return Verdict.model_validate(json.loads(path.read_text(encoding="utf-8")))


def stored_measured(home: ProjectHome, contract: Endpoint, model: str) -> Measured:
    """All that was measured on a model, from its tables.

    Raises:
        LookupError: a table is missing.
    """
    import pandas as pd

    from imgassets.decision.measurements import gather_measured
    from imgassets.requests import stacked

    def table(stage: str) -> pd.DataFrame:
        path = home.output((contract.endpoint, model, stage))
        if not path.is_file():
            raise LookupError(_not_yet(f"the table {stage} of {model} is missing", path.parts[-3]))
        return pd.read_parquet(path)

    images = stacked(table(FLOWS[flow].stage) for flow in contract.flows)
    return gather_measured(model, images, [table(family) for family in contract.families])


def _not_yet(what: str, endpoint: str) -> str:
    return f"{what}; run `imgassets validate --endpoint {endpoint}` first"
