"""The contract's criteria on the images that came back under load.

They are scored from the pilot's own folder, and the scores are kept there: nothing of it enters
the stores and tables that `validate` decides by.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgassets.backends.image_rows import OK, ImageRow
from imgassets.decision import Measured, compare
from imgassets.decision.comparison import records
from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Budget
from imgassets.documents.models import pairing_of
from imgassets.documents.project import Project
from imgassets.flows import FLOWS
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES, of_making
from imgassets.pilot.result import IMAGES, Pilot, QualityRow, RequestRow, StepRow

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PilotImages:
    """Reads images of a pilot by image key; see `metrics.branch.Images`."""

    files: dict[str, Path]

    def read_bytes(self, key: str) -> bytes:
        """The file."""
        return self.files[key].read_bytes()

    def read_array(self, key: str) -> np.ndarray:
        """The pixels: uint8, (H, W, 3), sRGB."""
        from PIL import Image

        with Image.open(self.files[key]) as image:
            return np.asarray(image.convert("RGB"))


def measured_under_load(
    project: Project, pilot: Pilot, folder: Path, device: str
) -> Measured | None:
    """What the metric families find in a pilot's images; None where they know none of them.

    Of a request that was made several times the first image counts; texts of a trace's own, and
    prompts that the contract no longer has, are left out.
    """
    from imgassets.decision.measurements import gather_measured
    from imgassets.metrics.metric_rows import measure

    contract = project.endpoint(pilot.result.endpoint)
    table, files = _table(project, contract, pilot, folder)
    if table.empty:
        return None
    branch = Branch(
        project, pilot.result.endpoint, pilot.result.model, table, PilotImages(files), device
    )
    families = [name for name in contract.families if not FAMILIES[name].of_making]
    return gather_measured(pilot.result.model, table, measure(families, branch).values())


def quality(
    project: Project, pilot: Pilot, mine: Measured | None, incumbent: Measured | None
) -> tuple[QualityRow, ...]:
    """The criteria on images under load; none where there is nothing to compare.

    Args:
        project: the documents.
        pilot: of the model.
        mine: from `measured_under_load`.
        incumbent: the same of the incumbent's pilot under the same traffic.
    """
    contract = _without_costs(project.endpoint(pilot.result.endpoint))
    model = pilot.result.model
    if mine is None or contract is None or (incumbent is None and model != contract.incumbent):
        return ()
    pairing = pairing_of(project.model(model), project.model(contract.incumbent))
    table = compare(contract, mine, incumbent, pairing=pairing, seed=None).table
    return tuple(
        QualityRow.model_validate(row) for row in records(table[table["source"] == "criterion"])
    )


def _without_costs(contract: Endpoint) -> Endpoint | None:
    """Costs under load are ceilings of the pilot; what is judged here are pixels."""
    criteria = tuple(c for c in contract.criteria if not of_making(c.metric))
    if not criteria:
        return None
    return contract.model_copy(update={"criteria": criteria, "budget": Budget()})


def _table(
    project: Project, contract: Endpoint, pilot: Pilot, folder: Path
) -> tuple[pd.DataFrame, dict[str, Path]]:
    import pandas as pd

    known = project.asked(contract)
    rows: dict[tuple[str, str, int], ImageRow] = {}
    files: dict[str, Path] = {}
    for request in pilot.requests:
        source = None
        for step in request.steps:
            place = (step.flow, request.prompt_id, request.seed)
            if (step.flow, request.prompt_id) in known and _better(step, rows.get(place)):
                rows[place] = _row(pilot, request, step, source)
            if step.file:
                files.setdefault(step.image_key, folder / IMAGES / step.file)
            source = step.image_key
    order = list[str](FLOWS)
    ordered = sorted(rows.values(), key=lambda row: order.index(row.flow))
    return pd.DataFrame([row.cells() for row in ordered], columns=list(ImageRow.columns())), files


def _better(step: StepRow, row: ImageRow | None) -> bool:
    """An image takes the place of a failure of the same request."""
    return row is None or (bool(step.file) and row.status != OK)


def _row(pilot: Pilot, request: RequestRow, step: StepRow, source: str | None) -> ImageRow:
    """Costs are left out: what was measured under load is no cost of an image."""
    asked: dict[str, Any] = {
        "endpoint": pilot.result.endpoint, "model": pilot.result.model, "flow": step.flow,
        "prompt_set": request.prompt_set, "prompt_id": request.prompt_id, "seed": request.seed,
        "replicate": 0, "image_key": step.image_key, "source_key": source,
    }  # fmt: skip
    if not step.file:
        return ImageRow(**asked, status=request.failure, message=request.message)
    return ImageRow(**asked, status=OK, message="", image_sha256=step.file.removesuffix(".png"))
