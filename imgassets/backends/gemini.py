"""Gemini image models ("Nano Banana") by Google's own SDK: generate, and edit without a mask.

Shapes after google-genai 3.4 and ai.google.dev; docs/hosted.md lists each behaviour with its
source. Seeds are sent, and the provider does not promise that they repeat a picture.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image

from imgassets.backends.base import HostedError
from imgassets.backends.hosted import Reply
from imgassets.backends.hosted_http import (
    api_key,
    base_url,
    open_client,
    retry_after,
    scrub,
    transport_error,
)
from imgassets.backends.hosted_image import png_at
from imgassets.spec.failures import FailureMode
from imgassets.spec.hosted import GeminiEdit, GeminiModel

if TYPE_CHECKING:
    from google.genai import types
    from google.genai.errors import APIError

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
_STATUS: dict[int, FailureMode] = {
    401: "unauthorized",
    402: "out_of_credit",
    403: "unauthorized",
    404: "model_retired",
    429: "rate_limited",
}


class GeminiProvider:
    """Speaks for one model document; see `hosted.Provider`."""

    def __init__(self, model: GeminiModel) -> None:
        self._model = model

    @cached_property
    def _key(self) -> str:
        return api_key("GEMINI_API_KEY")

    @cached_property
    def _client(self) -> Any:
        from google import genai
        from google.genai import types

        # Retries are ours: the SDK would repeat requests that may have been billed. Our client
        # bounds its replies, and tells the SDK's errors and ours by the same classes.
        options = types.HttpOptions(
            base_url=base_url("GEMINI_BASE_URL", _URL),
            api_version=self._model.api_version,
            httpx_client=open_client(self._model.limits.timeout_seconds),
            timeout=round(self._model.limits.timeout_seconds * 1000),
        )
        return genai.Client(api_key=self._key, vertexai=False, http_options=options)

    def open(self) -> None:
        """See `hosted.Provider`."""
        _ = (self._key, self._client)

    # ---- requests --------------------------------------------------------------------------

    def ask(self, flow: str, inputs: dict[str, Any], source: Image.Image | None) -> Reply:
        """See `hosted.Provider`."""
        from google.genai import errors

        try:
            response = self._client.models.generate_content(
                model=self._model.api_model,
                contents=self._contents(flow, inputs, source),
                config=self._config(inputs),
            )
        except errors.APIError as error:
            raise self._refusal(error) from None
        except httpx.HTTPError as error:
            raise transport_error(error, self._key) from None
        except (ValueError, errors.UnknownApiResponseError) as error:
            message = scrub(f"the reply cannot be read: {type(error).__name__}", self._key)
            raise HostedError("bad_payload", message, billed=True) from None
        return _reply(response, self._key)

    def _contents(self, flow: str, inputs: dict[str, Any], source: Image.Image | None) -> list[Any]:
        from google.genai import types

        negative = inputs["negative_prompt"]
        avoid = f"\nAvoid: {negative}" if negative else ""
        if flow == "generate":
            return [f"{inputs['prompt']}{avoid}"]
        if flow != "edit" or source is None:
            raise HostedError("bad_request", f"Gemini cannot {flow}", billed=False)
        words = GeminiEdit(**inputs["edit"]).words(inputs["prompt"], tuple(inputs["region"]))
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

    def _refusal(self, error: APIError) -> HostedError:
        message = scrub(f"HTTP {error.code} {error.status}: {error.message}", self._key)
        reasons = str(error.details)
        if error.code == 400 and "API_KEY_INVALID" in reasons:
            return HostedError("unauthorized", message, billed=False)
        if error.code == 400 and error.status == "FAILED_PRECONDITION":
            return HostedError("out_of_credit", message, billed=False)
        if error.code in (408, 504):
            return HostedError("timed_out", message, billed=True, again=True)
        if error.code == 429 or error.code >= 500:
            return HostedError(
                _STATUS.get(error.code, "server_error"),
                message,
                billed=False,
                again=True,
                after=_retry_delay(error),
            )
        return HostedError(_STATUS.get(error.code, "bad_request"), message, billed=False)

    def fetch(self, facts: dict[str, Any]) -> bytes:
        """See `hosted.Provider`; Gemini sends the image itself."""
        raise HostedError("reply_lost", "Gemini's replies have no link to follow", billed=True)

    def complaint(
        self, flow: str, inputs: dict[str, Any], facts: dict[str, Any]
    ) -> tuple[FailureMode, str] | None:
        """See `hosted.Provider`: another model answered, as retired ones are passed on."""
        answered = facts.get("model_version")
        if answered and not str(answered).startswith(self._model.api_model):
            return "model_retired", f"{answered} answered, not {self._model.api_model}"
        return None


def _retry_delay(error: APIError) -> float | None:
    """Seconds to wait: google.rpc.RetryInfo in the body, else the `Retry-After` header."""
    details = error.details.get("error", error.details) if isinstance(error.details, dict) else {}
    for item in details.get("details", []):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(item.get("retryDelay", "")))
        if found:
            return float(found[1])
    headers = getattr(error.response, "headers", None) or {}
    return retry_after(headers.get("Retry-After"))


def _reply(response: types.GenerateContentResponse, secret: str) -> Reply:
    """The image of a reply. What is answered without one is billed all the same."""
    facts = {"model_version": response.model_version} if response.model_version else {}
    feedback = response.prompt_feedback
    if feedback and feedback.block_reason:
        reason = f"the prompt was blocked: {_name(feedback.block_reason)}"
        raise HostedError("refused_safety", reason, billed=True)
    candidate = response.candidates[0] if response.candidates else None
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    images = [p.inline_data for p in parts if p.inline_data and not p.thought]
    if images and images[-1].data:
        return Reply(images[-1].data, facts)
    finish = _name(candidate.finish_reason) if candidate and candidate.finish_reason else "none"
    said = " ".join(p.text for p in parts if p.text and not p.thought)
    message = scrub(f"finish reason {finish}{': ' if said else ''}{said}", secret)
    mode: FailureMode = "refused_safety" if finish in _REFUSED else "no_image_but_billed"
    raise HostedError(mode, message, billed=True)


def _name(reason: Any) -> str:
    return str(getattr(reason, "value", reason))
