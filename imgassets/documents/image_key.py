"""What the documents put into an image key: their pixel fields, with files told by content.

The fields come from `documents.field_facets`. Added here is what no field says by itself: hashes of
weights and marks, where noise comes from, and the version of a package that quantizes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from imgassets.documents.base import Document
from imgassets.documents.comfyui import ComfyEdit, ComfyModel, ComfyStylize
from imgassets.documents.command import CommandModel
from imgassets.documents.field_facets import pixel_facts
from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel
from imgassets.documents.postprocess import Step, Watermark
from imgassets.documents.scheduler_settings import adds_noise
from imgassets.documents.shared_parts import part_folder
from imgassets.documents.upscaler import DiffusionUpscaler, Network
from imgassets.documents.weights import hub_name, weights_fingerprint, weights_folder
from imgassets.documents.workflow import workflow_facts


@cache
def installed_version(package: str) -> str:
    """The installed version of a package, without importing it; `absent` where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def generator_facts(root: Path, model: AnyModel) -> dict[str, Any]:
    """What makes the pixels of all flows of a model, as JSON values.

    Of hosted models the document says all there is; of others the content of weights, of the
    workflow, or of files counts too.

    Raises:
        FileNotFoundError: a weights folder, a workflow or a file is missing.
    """
    facts = flow_facts(root, model)
    if isinstance(model, CommandModel):
        facts["files"] = model.contents(root)
    if not isinstance(model, Model):
        return facts
    facts["weights"] = model_weights(root, model)
    # Noise that schedulers add came from a generator of all images once, whatever their seeds.
    if adds_noise(model.scheduler.class_, _scheduler_settings(root, model)):
        facts["noise"] = "of each image's seed"
    if model.loading.quantization is not None:  # another version may round differently
        package = model.loading.quantization.package
        facts["loading"]["quantizer"] = f"{package} {installed_version(package)}"
    return facts


def flow_facts(root: Path, how: Document) -> dict[str, Any]:
    """What changes pixels of a part of a model that makes a flow; a workflow by its content.

    Raises:
        FileNotFoundError: the workflow is missing.
    """
    facts = pixel_facts(how)
    if isinstance(how, ComfyModel | ComfyStylize | ComfyEdit):
        places = [place for _, place in how.inputs.places()]
        facts["workflow"] = workflow_facts(root / how.workflow, places)
    return facts


def model_weights(root: Path, model: Model) -> str:
    """SHA-256 for the content of a model's weights. Raises as `generator_facts`."""
    return weights_fingerprint(root, model.weights, model.revision, model.loading.variant)


def _scheduler_settings(root: Path, model: Model) -> dict[str, Any]:
    """Settings of the document on top of the folder's; those of weights on the hub are unknown."""
    if hub_name(model.weights) is not None:
        return model.scheduler.settings
    folder = part_folder(weights_folder(root, model.weights), "scheduler")
    file = folder / "scheduler_config.json"
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    return (kept if isinstance(kept, dict) else {}) | model.scheduler.settings


def upscaler_facts(root: Path, upscaler: Document | None) -> dict[str, Any] | None:
    """What makes the pixels of upscaled images, as JSON values; None without an upscaler.

    Raises:
        FileNotFoundError: a weights folder is missing.
    """
    if upscaler is None:
        return None
    # The first two kinds had a `weights`, whatever it was; the keys of their images have it too.
    weights = None
    if isinstance(upscaler, Network):
        weights = weights_fingerprint(root, upscaler.weights)
    elif isinstance(upscaler, DiffusionUpscaler):
        variant = upscaler.loading.variant
        weights = weights_fingerprint(root, upscaler.weights, upscaler.revision, variant)
    return pixel_facts(upscaler) | {"weights": weights}


def step_facts(root: Path, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps of post-processing as JSON values; a mark's file with the hash of its content.

    Raises:
        FileNotFoundError: the file of a mark is missing.
    """
    return [pixel_facts(step) | _mark(root, step) for step in steps]


def _mark(root: Path, step: Step) -> dict[str, str]:
    if not isinstance(step, Watermark) or not step.image:
        return {}
    return {"image_sha256": hashlib.sha256((root / step.image).read_bytes()).hexdigest()}
