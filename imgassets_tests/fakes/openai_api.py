"""The OpenAI images protocol: JSON for generations, a form for edits, images inline or by link."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import Any

from PIL import Image, ImageOps

from imgassets_tests.fakes.drawing import draw, edited, png
from imgassets_tests.fakes.links import FakeWithLinks, multipart
from imgassets_tests.fakes.server import BOMB, SECRET, Refuse

_KNOWN = {
    "model", "prompt", "n", "size", "quality", "background", "output_format", "seed",
    "input_fidelity", "response_format", "negative_prompt", "steps",
}  # fmt: skip
_BY_LINK = {
    "expired_link",
    "foreign_link",
    "moved_link",
    "led_astray",
    "led_in_circles",
    "broken_download",
    "busy_download",
}


class FakeOpenAI(FakeWithLinks):
    """Draws what is asked; takes `seed` as vLLM-Omni does, and any address before the path."""

    api = "openai"

    def understand(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        if headers.get("Authorization") != f"Bearer {SECRET}":
            raise _error(401, "invalid_request_error", "invalid_api_key", "Incorrect API key")
        if path.endswith("/images/generations"):
            return _asked(json.loads(body), {})
        if path.endswith("/images/edits"):
            parts = multipart(headers.get("Content-Type", ""), body)
            files = {name: parts.pop(name) for name in ("image", "mask") if name in parts}
            return _asked({name: value.decode() for name, value in parts.items()}, files)
        raise _error(404, "invalid_request_error", None, "Invalid URL")

    def refusal(self, fault: str) -> Refuse:
        bad = "invalid_request_error"
        return {
            "rate_limited": _error(429, "requests", "rate_limit_exceeded", "slow", "0"),
            "server_error": _error(500, "server_error", None, "internal"),
            "unavailable": _error(503, "server_error", None, "overloaded", "0"),
            "echoes_key": _error(500, "server_error", None, f"Authorization: Bearer {SECRET}"),
            "refused_prompt": _error(400, "image_generation_user_error", "moderation_blocked", "x"),
            "retired": _error(404, bad, "model_not_found", "The model does not exist"),
            "unauthorized": _error(401, bad, "invalid_api_key", "Incorrect API key provided"),
            "out_of_credit": _error(
                429, "insufficient_quota", "insufficient_quota", "check your plan"
            ),
        }[fault]

    def reply(self, asked: dict[str, Any], fault: str | None) -> Any:
        if fault == "no_image":
            return {"created": 1, "data": []}
        image = self._drawn(asked)
        if fault == "wrong_size":
            image = image.resize((image.width // 2, image.height))
        if fault in _BY_LINK or asked.get("response_format") == "url":
            one = {"url": self.link(image, fault)}
        else:
            data = {"bomb": BOMB, "not_an_image": b"<html>"}.get(fault or "") or png(image)
            one = {"b64_json": base64.b64encode(data).decode()}
        told = {"revised_prompt": f"{asked['prompt']} at dusk"} if fault == "rewritten" else {}
        return {"created": 1, "data": [one | told], "usage": {"output_tokens": 272}}

    def _drawn(self, asked: dict[str, Any]) -> Image.Image:
        width, height = (int(side) for side in asked["size"].split("x"))
        seed = int(asked.get("seed", 0))
        if "_mask" not in asked:
            return draw(asked["prompt"], seed, (width, height))
        hole = ImageOps.invert(asked["_mask"].getchannel("A"))
        return edited(asked["_source"], hole, asked["prompt"], seed)


def _asked(fields: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    if unknown := sorted(fields.keys() - _KNOWN):
        raise _error(400, "invalid_request_error", "unknown_parameter", f"unknown: {unknown}")
    if str(fields["n"]) != "1":
        raise _error(400, "invalid_request_error", None, "this fake draws one")
    asked = dict(fields)
    for name, data in files.items():
        asked[name] = hashlib.sha256(data).hexdigest()
        asked["_source" if name == "image" else "_mask"] = Image.open(io.BytesIO(data))
    if files:
        mask = asked["_mask"]
        if mask.mode != "RGBA" or mask.size != asked["_source"].size:
            raise _error(400, "invalid_request_error", "invalid_image_file", "mask without alpha")
    return asked


def _error(status: int, kind: str, code: str | None, message: str, after: str = "") -> Refuse:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Refuse(status, {"error": error}, {"Retry-After": after} if after else {})
