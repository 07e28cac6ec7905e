"""What a metric family needs of a project to measure the images of a branch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from imgassets.documents.contract import Returns
from imgassets.documents.project import Project
from imgassets.documents.upscaler import seam_tiles
from imgassets.metrics import metric_rows


class Images(Protocol):
    """Where images are read from, by image key: the store, or a store with a fault planted."""

    def read_bytes(self, key: str) -> bytes: ...
    def read_array(self, key: str) -> np.ndarray: ...


def measure(
    family: str, project: Project, endpoint: str, model: str, images: pd.DataFrame, stored: Images
) -> pd.DataFrame:
    """The metric table of one family.

    Args:
        family: a key of `documents.metric_catalogue.FAMILY_VERSIONS`.
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
            return metric_rows.content_table(family, images, wanted, stored.read_array)
        case "artefacts":
            returned: dict[str, Returns] = {
                flow: contract.returned(flow, scale) for flow in contract.flows
            }
            return metric_rows.artefact_table(images, returned, stored.read_bytes)
        case "edit_stability":
            prompts = [p for s in project.prompts_of(contract) for p in s.prompts]
            regions = {p.id: p.edit.region for p in prompts if p.edit}
            return metric_rows.edit_table(images, regions, stored.read_array)
        case "stylization":
            return metric_rows.stylize_table(images, stored.read_array)
        case "upscaling":
            return metric_rows.upscale_table(images, scale, stored.read_array, seam_tiles(upscaler))
        case "look":
            return metric_rows.look_table(images, stored.read_array)
        case "cost":
            return metric_rows.cost_table(images, project.model(model).price)
    raise ValueError(f"unknown metric family {family!r}; see spec.metrics.FAMILY_VERSIONS")
