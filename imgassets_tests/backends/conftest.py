"""Small pipelines, saved once, and model documents for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents.model import Model
from imgassets_tests.small_pipelines import save

SCHEDULERS = {"sdxl": "EulerDiscreteScheduler", "sd15": "DDIMScheduler"}
#: Inputs of a request for an image of a small pipeline, less its `sampling`.
ASKED: dict[str, Any] = {
    "prompt": "a red shoe",
    "negative_prompt": "",
    "seed": 3,
    "size": [64, 64],
    "region": [0.0, 0.0, 0.5, 1.0],
}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a small pipeline by name; built when it is first asked for."""
    root = tmp_path_factory.mktemp("small")

    def folder(name: str) -> Path:
        return root / name if (root / name).is_dir() else save(name, root / name)

    return folder


def document(name: str, folder: Path | str, **changes: Any) -> Model:
    """A model document for a small pipeline."""
    written = {
        "model": name,
        "backend": "diffusers",
        "weights": str(folder),
        "scheduler": {"class": SCHEDULERS.get(name, "FlowMatchEulerDiscreteScheduler")},
        "sampling": {"steps": 2, "guidance_scale": 4.0, "max_sequence_length": 16},
        "stylize": {"steps": 4, "guidance_scale": 4.0, "strength": 0.5},
        "edit": {"steps": 2, "guidance_scale": 4.0, "strength": 1.0},
        "batch_size": 2,
        "price": {"usd_per_hour": 1, "source": "a test", "as_of": "2026-11-24"},
    }
    return Model.model_validate(written | changes)


def asked(model: Model, flow: str = "generate", **changes: Any) -> dict[str, Any]:
    """Inputs of a request, as `imgassets.requests` makes them."""
    how = {"generate": model.sampling, "stylize": model.stylize, "edit": model.edit}[flow]
    assert how is not None
    sequence = model.sampling.max_sequence_length
    sampling = {"max_sequence_length": sequence} | how.model_dump(mode="json")
    return ASKED | {"sampling": sampling} | changes
