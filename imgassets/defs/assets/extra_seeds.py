"""Seeds added by `imgassets validate --more`, as observable assets that requests depend on."""

import dagster as dg

from imgassets.defs.assets.documents import DATA_VERSION_TAG
from imgassets.defs.observable_state import observed_assets, observed_key
from imgassets.documents.contract import Endpoint
from imgassets.refresh.extra_seeds import ExtraSeeds


def more_key(endpoint: str, model: str) -> dg.AssetKey:
    """Asset key of the seeds added to a branch."""
    return observed_key("more", endpoint, model)


def more_assets(endpoints: list[Endpoint]) -> list[dg.AssetsDefinition]:
    """One for each branch; without added seeds it has the version of nothing."""
    return observed_assets(
        "more",
        "Seeds beside the contract's, added by `imgassets validate --more`.",
        endpoints,
        lambda workplace, *branch: ExtraSeeds(workplace.home().extra_seeds).version(*branch),
    )


def more_observation(more: ExtraSeeds, endpoint: str, model: str) -> dg.AssetObservation:
    """What is added to a branch now, as an event."""
    return dg.AssetObservation(
        asset_key=more_key(endpoint, model),
        metadata={"change": more.words(endpoint, model)},
        tags={DATA_VERSION_TAG: more.version(endpoint, model)},
    )
