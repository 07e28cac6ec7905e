"""Any server with the OpenAI images protocol, by the official SDK: generate, and edit with a mask.

Shapes after openai 3.57 and the API reference; docs/hosted.md lists each behaviour with its source.
One image a request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx
from PIL import Image, ImageOps

from imgassets.backends.base import HostedError
from imgassets.backends.hosted import Reply
from imgassets.backends.hosted_http import Wire, api_key, base_url
from imgassets.backends.hosted_image import png_at, scaled
from imgassets.backends.hosted_links import download
from imgassets.backends.hosted_messages import scrub
from imgassets.backends.hosted_replies import STATUSES, at, bytes_of, json_of, read_reply, refusal
from imgassets.documents.failures import ModeName
from imgassets.documents.openai import OpenAIModel
from imgassets.flows import FLOWS, FlowName
from imgassets.images.encoding import encode_png
from imgassets.images.masks import region_mask

_URL = "https://api.openai.com/v1"
_KEY = "OPENAI_API_KEY"
_REFUSED = {"moderation_blocked", "content_policy_violation", "content_filter"}
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}


class OpenAIProvider:
    """Speaks for one model document; see `hosted.Provider`."""

    def __init__(self, model: OpenAIModel) -> None:
        self._model = model

    @cached_property
    def _key(self) -> str:
        """Empty where the server is this machine and wants none."""
        if self._model.needs_no_key:
            return ""
        return api_key(self._model.api_key_variable or _KEY)

    @cached_property
    def _url(self) -> str:
        return (self._model.base_url or base_url("OPENAI_BASE_URL", _URL)).rstrip("/")

    @cached_property
    def _wire(self) -> Wire:
        return Wire(self._model.limits.timeout_seconds, self._url)

    @cached_property
    def _client(self) -> Any:
        from openai import OpenAI

        # Retries are ours: the SDK would repeat requests that may have been billed. Replies are
        # read by ourselves, off our own client: what the SDK raises does not tell what was billed.
        return OpenAI(
            api_key=self._key or "none",
            base_url=self._url,
            timeout=self._model.limits.timeout_seconds,
            max_retries=0,
            http_client=self._wire.client,  # type: ignore[arg-type] # it takes httpx's as well
        )

    def open(self) -> None:
        """See `hosted.Provider`."""
        _ = (self._key, self._client)

    # ---- requests --------------------------------------------------------------------------

    def ask(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Reply:
        """See `hosted.Provider`."""
        parameters = self.parameters(flow, inputs)
        images = self._client.images
        if FLOWS[flow].source is None:
            send = images.generate
        elif FLOWS[flow].edits and source is not None:
            send = images.edit
            parameters |= self._files(inputs, source)
        else:
            raise HostedError("bad_request", f"the protocol cannot {flow}", billed=False)
        response = self._wire.heard(lambda: _plainly(send, parameters), self._key)
        return read_reply(
            response, reply_of, lambda refused: refusal_of(refused, self._key), self._key
        )

    def parameters(self, flow: FlowName, inputs: dict[str, Any]) -> dict[str, Any]:
        """What is sent beside files: arguments of the SDK; `extra_body` holds what it lacks."""
        model = self._model
        width, height = self._size(inputs)
        named = {
            "quality": model.quality,
            "background": model.background,
            "output_format": model.output_format,
            "input_fidelity": inputs.get(flow, {}).get("input_fidelity"),
        }
        return {
            "model": model.api_model,
            "prompt": inputs["prompt"],
            "n": 1,
            "size": f"{width}x{height}",
            "extra_body": dict(model.extra) | self._unofficial(inputs),
        } | {name: value for name, value in named.items() if value is not None}

    def _unofficial(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """What the protocol has no name for, under the server's own."""
        model, negative = self._model, inputs["negative_prompt"]
        sent = {model.seed_parameter: inputs["seed"]} if model.seed_parameter else {}
        if not negative:
            return sent
        if model.negative_prompt_parameter is None:
            message = (
                "the protocol takes no negative prompt; drop that transform, or say in "
                "negative_prompt_parameter what the server calls it"
            )
            raise HostedError("bad_request", message, billed=False)
        return sent | {model.negative_prompt_parameter: negative}

    def _size(self, inputs: dict[str, Any]) -> tuple[int, int]:
        width, height = inputs["size"]
        return self._model.size_for((width, height))

    def _files(self, inputs: dict[str, Any], source: Image.Image) -> dict[str, Any]:
        size = self._size(inputs)
        mask = openai_mask(scaled(source.convert("RGB"), size), inputs["region"])
        return {
            "image": ("source.png", png_at(source, size), "image/png"),
            "mask": ("mask.png", encode_png(mask), "image/png"),
        }

    # ---- replies ---------------------------------------------------------------------------

    def fetch(self, facts: dict[str, Any]) -> bytes:
        """See `hosted.Provider`; the API key does not go along, nor to where the link leads on."""
        return download(self._wire, self._url, str(facts.get("url", "")), self._key)

    def complaint(
        self, flow: FlowName, inputs: dict[str, Any], facts: dict[str, Any]
    ) -> tuple[ModeName, str] | None:
        """See `hosted.Provider`: a rewritten prompt."""
        drawn = facts.get("revised_prompt")
        if drawn is not None and str(drawn).split() != inputs["prompt"].split():
            return "prompt_rewritten", scrub(f"drawn was: {drawn}", "")
        return None


def _plainly(send: Callable[..., object], parameters: dict[str, Any]) -> None:
    """Send; what went wrong on the wire comes as httpx says it, which the SDK wraps.

    Raises:
        Exception: whatever it is.
    """
    from openai import APIConnectionError

    try:
        send(**parameters)
    except APIConnectionError as error:
        raise error.__cause__ or error from None


def openai_mask(source: Image.Image, region: list[float]) -> Image.Image:
    """The source with a hole: in the protocol's masks what is transparent is edited."""
    mask = source.copy()
    mask.putalpha(ImageOps.invert(region_mask(region, source.size)))
    return mask


def refusal_of(response: httpx.Response, key: str) -> HostedError:
    """What an answer other than 2xx means; `key` is cut out of its words."""
    error = at(json_of(response), "error")
    said = {text for n in ("code", "type") if isinstance(text := at(error, n), str)}
    status = response.status_code
    if said & _NO_MONEY and status in (400, 402, 403, 429):
        found = refusal(response, STATUSES | {status: "out_of_credit"}, key)
        found.again = found.again and found.mode != "out_of_credit"
        return found
    if said & _REFUSED and status in (400, 403, 422):
        return refusal(response, STATUSES | {status: "refused_safety"}, key)
    return refusal(response, STATUSES, key)


def reply_of(response: httpx.Response) -> Reply:
    """The image, or the link to it. What is answered without one is billed all the same."""
    body = json_of(response)
    data = at(body, 0, "data") if isinstance(body, list) else at(body, "data")
    if not isinstance(data, list):
        message = "the reply is not what the protocol says: it has no `data`"
        raise HostedError("bad_payload", message, billed=True)
    image = at(data, 0)
    if not image:
        raise HostedError("no_image_but_billed", "the reply lists no image", billed=True)
    told = at(image, "revised_prompt")
    facts = {"revised_prompt": told} if isinstance(told, str) and told else {}
    written, link = at(image, "b64_json"), at(image, "url")
    if not written and isinstance(link, str) and link.lstrip()[:5].lower() == "data:":
        written = link
    if isinstance(written, str) and written:
        return Reply(bytes_of(written), facts)
    if isinstance(link, str) and link:
        return Reply(facts=facts | {"url": link})
    message = "the reply has neither `b64_json` nor `url`"
    raise HostedError("no_image_but_billed", message, billed=True)
