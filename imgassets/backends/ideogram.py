"""Ideogram's API v1, models 2.0 and 3.0: generate, inpaint, remix, upscale.

Shapes after the v1 reference of developer.ideogram.ai; docs/hosted.md lists each behaviour with
its source. One image a request, so that a request is an image and an image has its own seed.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import httpx
from PIL import Image, ImageOps

from imgassets.backends.base import HostedError
from imgassets.backends.hosted import Reply
from imgassets.backends.hosted_http import Wire, api_key, base_url
from imgassets.backends.hosted_image import png_at
from imgassets.backends.hosted_links import download
from imgassets.backends.hosted_messages import scrub
from imgassets.backends.hosted_replies import (
    STATUSES,
    at,
    bytes_of,
    json_of,
    read_reply,
    refusal,
)
from imgassets.documents.failures import ModeName
from imgassets.documents.ideogram import IdeogramModel
from imgassets.flows import FLOWS, FlowName, MadeBy
from imgassets.images.masks import region_mask

_URL = "https://api.ideogram.ai"
_Part = tuple[str | None, str | bytes] | tuple[str, bytes, str]
#: What a status means; none of these is billed (developer.ideogram.ai/ideogram-api/errors).
_STATUS: dict[int, ModeName] = STATUSES | {410: "model_retired", 422: "refused_safety"}
#: What Ideogram calls each flow.
_V2_ACTIONS: dict[FlowName, str] = {
    "generate": "generate",
    "stylize": "remix",
    "edit": "edit",
    "upscale": "upscale",
}
_V3_ACTIONS: dict[FlowName, str] = _V2_ACTIONS | {"edit": "inpaint"}


class IdeogramProvider:
    """Speaks for one model document; see `hosted.Provider`."""

    def __init__(self, model: IdeogramModel) -> None:
        self._model = model

    @cached_property
    def _key(self) -> str:
        return api_key("IDEOGRAM_API_KEY")

    @cached_property
    def _url(self) -> str:
        return base_url("IDEOGRAM_BASE_URL", _URL)

    @cached_property
    def _wire(self) -> Wire:
        return Wire(self._model.limits.timeout_seconds, self._url)

    def open(self) -> None:
        """See `hosted.Provider`."""
        _ = (self._key, self._url, self._wire)

    # ---- requests --------------------------------------------------------------------------

    def ask(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Reply:
        """See `hosted.Provider`."""
        if FLOWS[flow].source and source is None:
            raise HostedError("bad_request", f"flow {flow} needs a source image", billed=False)
        if FLOWS[flow].edits and inputs["negative_prompt"]:
            raise HostedError(
                "bad_request",
                "Ideogram takes no negative prompt when it edits; drop that transform",
                billed=False,
            )

        def send() -> None:
            path, body = self._request(flow, inputs, source)
            self._wire.client.post(f"{self._url}{path}", headers={"Api-Key": self._key}, **body)

        response = self._wire.heard(send, self._key)
        return read_reply(response, _reply, self._refusal, self._key)

    def _request(
        self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> tuple[str, dict[str, Any]]:
        third = self._model.api_model == "V_3"
        path = f"/{(_V3_ACTIONS if third else _V2_ACTIONS)[flow]}"
        if FLOWS[flow].made_by is MadeBy.UPSCALER:
            return path, self._upscale(inputs, source)
        if third:
            return f"/v1/ideogram-v3{path}", self._v3(flow, inputs, source)
        return path, self._v2(flow, inputs, source)

    def _v3(
        self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> dict[str, Any]:
        fields = {
            "prompt": inputs["prompt"],
            "magic_prompt": self._model.magic_prompt,
            "rendering_speed": str(self._model.rendering_speed),
            "style_type": self._model.style_type,
            "seed": str(inputs["seed"]),
            "num_images": "1",
        }
        width, height = self._size(inputs)
        if not FLOWS[flow].edits:
            fields["resolution"] = f"{width}x{height}"
            fields |= _negative(inputs)
        if FLOWS[flow].restyles:
            fields["image_weight"] = str(inputs[flow]["image_weight"])
        return {"files": [*_texts(fields), *self._images("image", flow, inputs, source)]}

    def _v2(
        self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "prompt": inputs["prompt"],
            "model": self._model.api_model,
            "magic_prompt_option": self._model.magic_prompt,
            "style_type": self._model.style_type,
            "seed": inputs["seed"],
            "num_images": 1,
        }
        images = self._images("image_file", flow, inputs, source)
        if FLOWS[flow].edits:
            return {"files": [*_texts({k: str(v) for k, v in request.items()}), *images]}
        width, height = self._size(inputs)
        request |= {"resolution": f"RESOLUTION_{width}_{height}"} | _negative(inputs)
        if source is None:
            return {"json": {"image_request": request}}
        request["image_weight"] = inputs[flow]["image_weight"]
        return {"files": [*_texts({"image_request": json.dumps(request)}), *images]}

    def _upscale(self, inputs: dict[str, Any], source: Image.Image | None) -> dict[str, Any]:
        if source is None:
            raise HostedError("bad_request", "flow upscale needs a source image", billed=False)
        upscaler = inputs["upscaler"]
        request = {
            "resemblance": upscaler["resemblance"],
            "detail": upscaler["detail"],
            "magic_prompt_option": "OFF",
            "num_images": 1,
        }
        image = ("source.png", png_at(source, source.size), "image/png")
        return {"files": [*_texts({"image_request": json.dumps(request)}), ("image_file", image)]}

    def _size(self, inputs: dict[str, Any]) -> tuple[int, int]:
        width, height = inputs["size"]
        return self._model.size_for((width, height))

    def _images(
        self, name: str, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> list[tuple[str, _Part]]:
        if source is None:
            return []
        size = self._size(inputs)
        parts: list[tuple[str, _Part]] = [(name, ("source.png", png_at(source, size), "image/png"))]
        if FLOWS[flow].edits:
            mask = ideogram_mask(region_mask(inputs["region"], size))
            parts.append(("mask", ("mask.png", png_at(mask, size), "image/png")))
        return parts

    # ---- replies ---------------------------------------------------------------------------

    def _refusal(self, response: httpx.Response) -> HostedError:
        return refusal(response, _STATUS, self._key)

    def fetch(self, facts: dict[str, Any]) -> bytes:
        """See `hosted.Provider`; the API key does not go along, nor to where the link leads on."""
        return download(self._wire, self._url, str(facts.get("url", "")), self._key)

    def complaint(
        self, flow: FlowName, inputs: dict[str, Any], facts: dict[str, Any]
    ) -> tuple[ModeName, str] | None:
        """See `hosted.Provider`: a rewritten prompt (unless that was asked for), another seed."""
        if FLOWS[flow].made_by is MadeBy.UPSCALER:
            return None
        prompt, seed = facts.get("prompt"), facts.get("seed")
        pinned = self._model.magic_prompt == "OFF"
        if pinned and prompt is not None and str(prompt).split() != inputs["prompt"].split():
            return "prompt_rewritten", scrub(f"drawn was: {prompt}", "")
        if seed is not None and str(seed) != str(inputs["seed"]):
            return "parameter_ignored", f"seed {seed} was used, not {inputs['seed']}"
        return None


def ideogram_mask(mask: Image.Image) -> Image.Image:
    """Our mask (white is edited) as Ideogram wants it: black is edited."""
    return ImageOps.invert(mask)


def _texts(fields: dict[str, str]) -> list[tuple[str, _Part]]:
    return [(name, (None, value)) for name, value in fields.items()]


def _negative(inputs: dict[str, Any]) -> dict[str, str]:
    negative = inputs["negative_prompt"]
    return {"negative_prompt": negative} if negative else {}


def _reply(response: httpx.Response) -> Reply:
    """The image's link, or the image itself where it comes along. A withheld one is billed."""
    body = json_of(response)
    data = at(body, 0, "data") if isinstance(body, list) else at(body, "data")
    if not isinstance(data, (list, dict)):
        message = "the reply is not what the API documents: it has no `data`"
        raise HostedError("bad_payload", message, billed=True)
    image = (data or [{}])[0] if isinstance(data, list) else data
    if not isinstance(image, dict):
        message = "the reply is not what the API documents: `data` holds no object"
        raise HostedError("bad_payload", message, billed=True)
    if not image:
        raise HostedError("no_image_but_billed", "the reply lists no image", billed=True)
    facts = {k: image[k] for k in ("url", "prompt", "seed", "resolution") if k in image}
    url = image.get("url") or image.get("b64_json")
    if not url and image.get("is_image_safe") is True:
        raise HostedError("no_image_but_billed", "the reply has no link to its image", billed=True)
    if not url or image.get("is_image_safe") is False:
        raise HostedError("refused_safety", "the image was withheld as unsafe", billed=True)
    if not isinstance(url, str):
        raise HostedError("bad_payload", "the image's link is no text", billed=True)
    if url.lstrip()[:5].lower() != "data:" and image.get("url"):
        return Reply(facts=facts)
    return Reply(bytes_of(url), {k: v for k, v in facts.items() if k != "url"})
