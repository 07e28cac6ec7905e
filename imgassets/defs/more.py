"""Seeds added by `imgassets validate --more`, as observable assets that requests depend on."""

import warnings

import dagster as dg

from imgassets.defs.documents import DATA_VERSION_TAG
from imgassets.defs.resources import Workplace
from imgassets.lineage.more import MoreSeeds
from imgassets.spec.contract import Endpoint


def more_key(endpoint: str, model: str) -> dg.AssetKey:
    """Asset key of the seeds added to a branch."""
    return dg.AssetKey(["more", endpoint, model])


def more_assets(endpoints: list[Endpoint]) -> list[dg.AssetsDefinition]:
    """One for each branch; without added seeds it has the version of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_observable(e.endpoint, model) for e in endpoints for model in e.models]


def _observable(endpoint: str, model: str) -> dg.AssetsDefinition:
    @dg.observable_source_asset(
        key=more_key(endpoint, model),
        group_name="more",
        description="Seeds beside the contract's, added by `imgassets validate --more`.",
    )
    def more(workplace: Workplace) -> dg.DataVersion:
        return dg.DataVersion(MoreSeeds(workplace.home() / "more").version(endpoint, model))

    return more  # type: ignore[return-value]


def more_observation(more: MoreSeeds, endpoint: str, model: str) -> dg.AssetObservation:
    """What is added to a branch now, as an event."""
    return dg.AssetObservation(
        asset_key=more_key(endpoint, model),
        metadata={"change": more.words(endpoint, model)},
        tags={DATA_VERSION_TAG: more.version(endpoint, model)},
    )
