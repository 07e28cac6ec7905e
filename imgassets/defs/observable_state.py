"""State beside the documents that branches depend on: one observable asset a branch."""

import warnings
from collections.abc import Callable

import dagster as dg

from imgassets.defs.resources import ProjectResource
from imgassets.documents.contract import Endpoint

#: The version of a branch's state, given the workplace, endpoint and model.
Version = Callable[[ProjectResource, str, str], str]


def observed_key(kind: str, endpoint: str, model: str) -> dg.AssetKey:
    """Asset key `[kind, endpoint, model]`."""
    return dg.AssetKey([kind, endpoint, model])


def observed_assets(
    kind: str, description: str, endpoints: list[Endpoint], version: Version
) -> list[dg.AssetsDefinition]:
    """One for each branch, in a group named after their kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [
            _observable(kind, description, (e.endpoint, model), version)
            for e in endpoints
            for model in e.models
        ]


def _observable(
    kind: str, description: str, branch: tuple[str, str], version: Version
) -> dg.AssetsDefinition:
    @dg.observable_source_asset(
        key=observed_key(kind, *branch), group_name=kind, description=description
    )
    def state(workplace: ProjectResource) -> dg.DataVersion:
        return dg.DataVersion(version(workplace, *branch))

    return state  # type: ignore[return-value]
