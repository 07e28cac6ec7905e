"""Gemini image models ("Nano Banana") by Google's own SDK: generate, and edit without a mask.

Shapes after google-genai 3.4 and ai.google.dev; docs/hosted.md lists each behaviour with its
source. Seeds are sent, and the provider does not promise that they repeat a picture.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image

from imgassets.backends.base import HostedError
from imgassets.backends.hosted import Reply
from imgassets.backends.hosted_http import Wire, api_key, base_url
from imgassets.backends.hosted_image import png_at
from imgassets.backends.hosted_messages import scrub
from imgassets.backends.hosted_replies import (
    STATUSES,
    at,
    bytes_of,
    duration,
    json_of,
    read_reply,
    refusal,
    text_of,
    within,
)
from imgassets.documents.failures import ModeName
from imgassets.documents.gemini import GeminiEdit, GeminiModel
from imgassets.flows import FLOWS, FlowName

if TYPE_CHECKING:
    from google.genai import types

_URL = "https://generativelanguage.googleapis.com"
_REFUSED = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}


class GeminiProvider:
    """Speaks for one model document; see `hosted.Provider`."""

    def __init__(self, model: GeminiModel) -> None:
        self._model = model

    @cached_property
    def _key(self) -> str:
        return api_key("GEMINI_API_KEY")

    @cached_property
    def _url(self) -> str:
        return base_url("GEMINI_BASE_URL", _URL)

    @cached_property
    def _wire(self) -> Wire:
        return Wire(self._model.limits.timeout_seconds, self._url)

    @cached_property
    def _client(self) -> Any:
        from google import genai
        from google.genai import types

        # Retries are ours: the SDK would repeat requests that may have been billed. Replies are
        # read by ourselves, off our own client: the SDK raises on shapes it does not know, and
        # what it raises tells neither the status nor whether anything was billed.
        options = types.HttpOptions(
            base_url=self._url,
            api_version=self._model.api_version,
            httpx_client=self._wire.client,
            timeout=round(self._model.limits.timeout_seconds * 1000),
        )
        return genai.Client(api_key=self._key, vertexai=False, http_options=options)

    def open(self) -> None:
        """See `hosted.Provider`."""
        _ = (self._key, self._client)

    # ---- requests --------------------------------------------------------------------------

    def ask(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Reply:
        """See `hosted.Provider`."""
        response = self._wire.heard(
            lambda: self._client.models.generate_content(
                model=self._model.api_model,
                contents=self._contents(flow, inputs, source),
                config=self._config(inputs),
            ),
            self._key,
        )
        return read_reply(response, lambda r: _reply(r, self._key), self._refusal, self._key)

    def _contents(
        self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> list[Any]:
        from google.genai import types

        negative = inputs["negative_prompt"]
        avoid = f"\nAvoid: {negative}" if negative else ""
        if FLOWS[flow].source is None:
            return [f"{inputs['prompt']}{avoid}"]
        if not FLOWS[flow].edits or source is None:
            raise HostedError("bad_request", f"Gemini cannot {flow}", billed=False)
        words = GeminiEdit(**inputs[flow]).words(inputs["prompt"], tuple(inputs["region"]))
        width, height = inputs["size"]
        png = png_at(source, self._model.size_for((width, height)))
        return [types.Part.from_bytes(data=png, mime_type="image/png"), f"{words}{avoid}"]

    def _config(self, inputs: dict[str, Any]) -> types.GenerateContentConfig:
        from google.genai import types

        return types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(
                aspect_ratio=self._model.aspect_ratio, image_size=self._model.image_size
            ),
            seed=inputs["seed"],
            temperature=self._model.temperature,
        )

    # ---- replies ---------------------------------------------------------------------------

    def _refusal(self, response: httpx.Response) -> HostedError:
        status, words = response.status_code, text_of(response)
        statuses = dict(STATUSES)
        if "API_KEY_INVALID" in words:
            statuses[400] = "unauthorized"
        elif "FAILED_PRECONDITION" in words:
            statuses[400] = "out_of_credit"
        delays = (duration(found.get("retryDelay")) for found in within(json_of(response)))
        after = next((d for d in delays if d is not None), None) if status != 400 else None
        return refusal(response, statuses, self._key, after)

    def fetch(self, facts: dict[str, Any]) -> bytes:
        """See `hosted.Provider`; Gemini sends the image itself."""
        raise HostedError("reply_lost", "Gemini's replies have no link to follow", billed=True)

    def complaint(
        self, flow: FlowName, inputs: dict[str, Any], facts: dict[str, Any]
    ) -> tuple[ModeName, str] | None:
        """See `hosted.Provider`: another model answered, as retired ones are passed on."""
        answered = facts.get("model_version")
        if answered and not str(answered).startswith(self._model.api_model):
            return "model_retired", f"{answered} answered, not {self._model.api_model}"
        return None


def _reply(response: httpx.Response, secret: str) -> Reply:
    """The image of a reply. What is answered without one is billed all the same."""
    body = json_of(response)
    body = at(body, 0) if isinstance(body, list) else body  # as a stream of one
    if not isinstance(body, dict):
        message = "the reply is not what the API documents: no JSON object"
        raise HostedError("bad_payload", message, billed=True)
    blocked = at(body, "promptFeedback", "blockReason")
    if blocked:
        reason = scrub(f"the prompt was blocked: {blocked}", secret)
        raise HostedError("refused_safety", reason, billed=True)
    candidate = at(body, "candidates", 0)
    parts = [p for p in _list(at(candidate, "content", "parts")) if not at(p, "thought")]
    images = [at(p, "inlineData", "data") or at(p, "inline_data", "data") for p in parts]
    images = [image for image in images if isinstance(image, str) and image]
    if images:
        version = at(body, "modelVersion")
        facts = {"model_version": version} if isinstance(version, str) and version else {}
        return Reply(bytes_of(images[-1]), facts)
    finish = at(candidate, "finishReason") or "none"
    said = " ".join(text for p in parts if isinstance(text := at(p, "text"), str))
    message = scrub(f"finish reason {finish}{': ' if said else ''}{said}", secret)
    mode: ModeName = "refused_safety" if finish in _REFUSED else "no_image_but_billed"
    raise HostedError(mode, message, billed=True)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
