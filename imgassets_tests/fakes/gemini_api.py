"""Gemini's generateContent as google-genai 3.4 speaks it: images inline, errors as google.rpc."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from typing import Any

from PIL import Image

from imgassets.images.masks import region_mask
from imgassets_tests.fakes.drawing import draw, edited, png
from imgassets_tests.fakes.server import BOMB, SECRET, FakeProvider, Refuse

_PATH = re.compile(r"/v1(?:beta)?/models/([a-z0-9.-]+):generateContent")
_SIDE = {None: 1024, "512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_KNOWN = {"responseModalities", "imageConfig", "seed", "temperature"}


class FakeGemini(FakeProvider):
    """Square images; edits follow the four percentages named in the instruction."""

    api = "gemini"

    def understand(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        if headers.get("x-goog-api-key") != SECRET:
            reason = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
            }
            raise _error(400, "INVALID_ARGUMENT", "API key not valid", [reason])
        found = _PATH.fullmatch(path)
        if not found:
            raise _error(404, "NOT_FOUND", "no such method")
        request = json.loads(body)
        config = request["generationConfig"]
        if set(config) - _KNOWN or config["responseModalities"] != ["IMAGE"]:
            raise _error(400, "INVALID_ARGUMENT", f"unknown: {sorted(set(config) - _KNOWN)}")
        if config["imageConfig"].get("aspectRatio") != "1:1":
            raise _error(400, "INVALID_ARGUMENT", "this fake draws squares alone")
        side = _SIDE[config["imageConfig"].get("imageSize")]
        asked = {"model": found[1], "seed": config["seed"], "size": [side, side]}
        for part in (p for c in request["contents"] for p in c["parts"]):
            if "inlineData" in part:
                data = base64.urlsafe_b64decode(part["inlineData"]["data"])  # as the SDK sends
                asked["_source"] = Image.open(io.BytesIO(data))
                asked["source"] = hashlib.sha256(data).hexdigest()
            else:
                asked["prompt"] = part["text"]
        return asked

    def refusal(self, fault: str) -> Refuse:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.01s"}
        if fault == "refused_prompt":
            return Refuse(
                200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "x"}
            )
        return {
            "rate_limited": _error(429, "RESOURCE_EXHAUSTED", "quota exceeded", [delay]),
            "server_error": _error(500, "INTERNAL", "internal"),
            "unavailable": _error(503, "UNAVAILABLE", "the model is overloaded"),
            "echoes_key": _error(500, "INTERNAL", f"x-goog-api-key {SECRET} crashed"),
            "retired": _error(404, "NOT_FOUND", "the model is not found for API version v1beta"),
            "unauthorized": _error(401, "UNAUTHENTICATED", "no valid credential"),
            "out_of_credit": _error(400, "FAILED_PRECONDITION", "please enable billing"),
        }[fault]

    def reply(self, asked: dict[str, Any], fault: str | None) -> Any:
        finish, part = "STOP", self._image_part(asked, fault)
        if fault == "withheld":
            finish, part = "IMAGE_SAFETY", None
        if fault == "no_image":
            part = {"text": "Here is a description of the picture instead."}
        content = {"role": "model", "parts": [{"text": "hm", "thought": True}, part]}
        candidate = {"finishReason": finish, "index": 0} | ({"content": content} if part else {})
        model = "gemini-9-flash-image" if fault == "other_model" else asked["model"]
        return {
            "candidates": [candidate],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1290},
            "modelVersion": model,
            "responseId": "r",
        }

    def _image_part(self, asked: dict[str, Any], fault: str | None) -> Any:
        image = self._drawn(asked)
        if fault == "wrong_size":
            image = image.resize((image.width // 2, image.height))
        data = {"bomb": BOMB, "not_an_image": b"<html>"}.get(fault or "") or png(image)
        return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}

    def _drawn(self, asked: dict[str, Any]) -> Image.Image:
        side = asked["size"][0]
        if "_source" not in asked:
            return draw(asked["prompt"], asked["seed"], (side, side))
        box = [float(n) / 100 for n in re.findall(r"([\d.]+) ?%", asked["prompt"])]
        mask = region_mask(box, (side, side))
        return edited(asked["_source"].resize((side, side)), mask, asked["prompt"], asked["seed"])


def _error(
    code: int, status: str, message: str, details: list[dict[str, str]] | None = None
) -> Refuse:
    body = {"code": code, "message": message, "status": status, "details": details or []}
    return Refuse(code, {"error": body})
