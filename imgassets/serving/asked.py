"""What a client asks for, read and checked, and as inputs of the backend."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from imgassets.documents.models import AnyModel
from imgassets.documents.project import Project
from imgassets.documents.prompts import Edit, Expectation, Prompt
from imgassets.documents.seeds import MOST_HOSTED
from imgassets.documents.sources import SourceRules
from imgassets.drift.one_request import endpoint_of, requests_alone
from imgassets.flows import FIRST, FLOWS, FlowName, MadeBy
from imgassets.images.errors import RefusedError
from imgassets.images.normalize import normalize
from imgassets.serving.errors import ServingError, bad

EDITS: FlowName = next(name for name, flow in FLOWS.items() if flow.edits)
#: Flows that the protocol does not know, by the address that makes their images from one image.
OTHERS: dict[str, FlowName] = {
    name: name
    for name, flow in FLOWS.items()
    if flow.source and not flow.edits and flow.made_by is not MadeBy.STEPS
}
MOST_IMAGE_BYTES = 32 * 2**20
_MOST_PROMPT, _MOST_IMAGES, _LONGEST_SIDE = 32_000, 10, 4096
_RULES = SourceRules(
    source_formats=("PNG", "JPEG", "WEBP"),
    source_alpha="keep",
    max_source_bytes=MOST_IMAGE_BYTES,
    max_source_pixels=_LONGEST_SIDE**2,
)
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
#: Read by us, or without any meaning for a model of ours.
_KNOWN = {"model", "prompt", "negative_prompt", "n", "size", "response_format", "seed"}
_KNOWN |= {"output_format"}
_IGNORED = {"user", "quality", "style", "moderation", "background", "input_fidelity"}


@dataclass(frozen=True)
class Wanted:
    """Images to make.

    Attributes:
        flow: how.
        inputs: of each, as `imgassets.requests` makes them.
        source: the image to edit.
    """

    flow: FlowName
    inputs: list[dict[str, Any]]
    source: Image.Image | None = None


class Asked:
    """Reads requests for one model: as `validate` would send them, without style or transforms."""

    def __init__(self, project: Project, model: str, device: str) -> None:
        document = project.model(model)
        endpoint, self._model = endpoint_of(project, model)
        self._size = tuple(endpoint.returns.size)
        self._most_seed = document.most_seed
        flows = [FIRST, *(f for f in (EDITS, *OTHERS.values()) if _can(document, f))]
        edit = Edit(region=(0.0, 0.0, 1.0, 1.0), prompt="asked", expect=Expectation())
        prompt = Prompt(id="asked", prompt="asked", edit=edit)
        found = requests_alone(project, endpoint, model, prompt, 0, device, flows)
        self._templates = {request.flow: request.inputs for request in found}

    @property
    def flows(self) -> list[FlowName]:
        """What it can make."""
        return list(self._templates)

    def generation(self, fields: Mapping[str, Any]) -> Wanted:
        """Images from a prompt alone.

        Raises:
            ServingError: it cannot be served.
        """
        self._check(fields)
        return Wanted(FIRST, self._inputs(FIRST, fields, _size(fields) or self._size, {}))

    def edit(self, fields: Mapping[str, Any], image: bytes, mask: bytes | None) -> Wanted:
        """Images from another one. Raises as `generation`."""
        self._check(fields)
        if EDITS not in self._templates:
            raise bad(f"the model {self._model} has no `edit`; it cannot edit")
        source, hole = _decoded(image, "image"), mask and _decoded(mask, "mask")
        if hole and hole.size != source.size:
            raise bad("mask: not of the size of the image", "mask")
        if (size := _size(fields)) and size != source.size:
            raise bad(f"size: must be that of the image, {source.width}x{source.height}", "size")
        region = _region(hole) if hole else (0.0, 0.0, 1.0, 1.0)
        asked = {"source": hashlib.sha256(image).hexdigest(), "region": list(region)}
        return Wanted(EDITS, self._inputs(EDITS, fields, source.size, asked), source.convert("RGB"))

    def from_image(self, flow: FlowName, fields: Mapping[str, Any], image: bytes) -> Wanted:
        """Images by a flow that the protocol does not know. Raises as `generation`."""
        self._check(fields)
        if flow not in self._templates:
            raise bad(f"the model {self._model} cannot {flow}")
        source = _decoded(image, "image").convert("RGB")
        asked = {"source": hashlib.sha256(image).hexdigest()}
        return Wanted(flow, self._inputs(flow, fields, source.size, asked), source)

    def _check(self, fields: Mapping[str, Any]) -> None:
        if unknown := sorted(fields.keys() - _KNOWN - _IGNORED):
            raise bad(f"unknown parameter {unknown[0]!r}", unknown[0], "unknown_parameter")
        if fields.get("model") not in (None, "", self._model):
            message = f"no model {fields['model']!r} here; this server has {self._model!r}"
            raise ServingError(404, message, "model_not_found", "model")
        if fields.get("response_format") not in (None, "b64_json"):
            raise bad("response_format: images come as b64_json alone", "response_format")
        if fields.get("output_format") not in (None, "png"):
            raise bad("output_format: images come as png alone", "output_format")
        if fields.get("background") == "transparent":
            raise bad("background: no transparent images here", "background")

    def _inputs(
        self, flow: FlowName, fields: Mapping[str, Any], size: tuple[int, ...], more: dict[str, Any]
    ) -> list[dict[str, Any]]:
        template = self._templates[flow] | more
        count = _whole(fields, "n", 1, _MOST_IMAGES)
        if "prompt" not in template:  # an upscaler that looks at the image alone
            return [template] * (count or 1)
        first = _whole(fields, "seed", 0, self._most_seed)
        texts = {"prompt": _text(fields, "prompt", 1)}
        texts["negative_prompt"] = _text(fields, "negative_prompt", 0)
        asked = template | texts | ({"size": list(size)} if "size" in template else {})
        if first is None:  # no image that was made before
            seeds = [secrets.randbelow(MOST_HOSTED + 1) for _ in range(count or 1)]
        else:
            seeds = [(first + n) % (self._most_seed + 1) for n in range(count or 1)]
        return [asked | {"seed": seed} for seed in seeds]


def _can(model: AnyModel, flow: FlowName) -> bool:
    """Whether a model's document says how it makes a flow's images."""
    return getattr(model, FLOWS[flow].model_field or "", None) is not None


def _text(fields: Mapping[str, Any], name: str, least: int) -> str:
    text = fields.get(name, "")
    if not isinstance(text, str) or not least <= len(text) <= _MOST_PROMPT:
        raise bad(f"{name}: give a text of {least} to {_MOST_PROMPT} characters", name)
    return text


def _whole(fields: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value):  # of a form
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise bad(f"{name}: give a whole number from {least} to {most}", name)
    return value


def _size(fields: Mapping[str, Any]) -> tuple[int, int] | None:
    value = fields.get("size")
    if value in (None, "", "auto"):
        return None
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(8 <= side <= _LONGEST_SIDE for side in size):
        raise bad(f"size: give WIDTHxHEIGHT, 8 to {_LONGEST_SIDE} pixels a side, or auto", "size")
    return size


def _decoded(data: bytes, name: str) -> Image.Image:
    try:
        return normalize(data, _RULES).image
    except RefusedError as error:
        raise bad(f"{name}: {error}", name, "invalid_image_file") from None


def _region(mask: Image.Image) -> tuple[float, float, float, float]:
    """The rectangle that is transparent, in fractions."""
    alpha = np.asarray(mask.convert("RGBA").getchannel("A"))
    rows, columns = np.flatnonzero((alpha == 0).any(1)), np.flatnonzero((alpha == 0).any(0))
    if not rows.size:
        raise bad("mask: nothing in it is transparent, so nothing would be edited", "mask")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if alpha[top:bottom, left:right].any():
        raise bad("mask: what is transparent must be one rectangle", "mask")
    height, width = alpha.shape
    return float(left / width), float(top / height), float(right / width), float(bottom / height)
