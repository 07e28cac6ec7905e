"""What a metric family needs of a project to measure the images of a branch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from imgassets.metrics import tables
from imgassets.spec.contract import Returns
from imgassets.spec.project import Project
from imgassets.spec.upscaler import seam_tiles


class Images(Protocol):
    """Where images are read from, by image key: the store, or a store with a fault planted."""

    def read_bytes(self, key: str) -> bytes: ...
    def read_array(self, key: str) -> np.ndarray: ...


def measure(
    family: str, project: Project, endpoint: str, model: str, images: pd.DataFrame, stored: Images
) -> pd.DataFrame:
    """The metric table of one family.

    Args:
        family: a key of `spec.metrics.FAMILY_VERSIONS`.
        project: its documents say what each image must show, and what the contract returns.
        endpoint, model: names.
        images: image tables of the flows the family looks at.
        stored: the images themselves.
    """
    contract, upscaler = project.endpoint(endpoint), project.model(model).upscaler
    scale = upscaler.scale if upscaler else 1
    match family:
        case "composition" | "typography":
            wanted = project.expectations(contract)
            return tables.content_table(family, images, wanted, stored.read_array)
        case "artefacts":
            returned: dict[str, Returns] = {
                flow: contract.returned(flow, scale) for flow in contract.flows
            }
            return tables.artefact_table(images, returned, stored.read_bytes)
        case "edit_stability":
            prompts = [p for s in project.prompts_of(contract) for p in s.prompts]
            regions = {p.id: p.edit.region for p in prompts if p.edit}
            return tables.edit_table(images, regions, stored.read_array)
        case "stylization":
            return tables.stylize_table(images, stored.read_array)
        case "upscaling":
            return tables.upscale_table(images, scale, stored.read_array, seam_tiles(upscaler))
        case "look":
            return tables.look_table(images, stored.read_array)
        case "cost":
            return tables.cost_table(images, project.model(model).price)
    raise ValueError(f"unknown metric family {family!r}; see spec.metrics.FAMILY_VERSIONS")
