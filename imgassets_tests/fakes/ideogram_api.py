"""Ideogram's API v1 as documented: V2 by JSON, V3 by multipart, links that expire."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from email import message_from_bytes
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from imgassets.documents.hosted_sizes import SIZES
from imgassets_tests.fakes.drawing import draw, edited, png
from imgassets_tests.fakes.server import BOMB, SECRET, FakeProvider, Refuse

_V3_FIELDS = {
    "generate": {"resolution", "negative_prompt"},
    "inpaint": {"image", "mask"},
    "remix": {"image", "image_weight", "resolution", "negative_prompt"},
}
_V3_ALWAYS = {"prompt", "seed", "rendering_speed", "magic_prompt", "num_images", "style_type"}
_V2_FIELDS = {
    "prompt",
    "model",
    "magic_prompt_option",
    "style_type",
    "seed",
    "num_images",
    "resolution",
    "negative_prompt",
    "image_weight",
}


class FakeIdeogram(FakeProvider):
    """Draws what is asked, and serves it under a link of its own."""

    api = "ideogram"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._images: dict[str, tuple[bytes, str | None]] = {}
        self._downloads: Counter[str] = Counter()

    def understand(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        if headers.get("Api-Key") != SECRET:
            raise Refuse(401, {"error": "invalid API key"})
        kind = headers.get("Content-Type", "")
        if path == "/generate":
            request = json.loads(body)["image_request"]
            return self._v2("generate", request, {})
        if not kind.startswith("multipart/form-data"):
            raise Refuse(400, {"error": "expected multipart/form-data"})
        parts = _multipart(kind, body)
        if path.startswith("/v1/ideogram-v3/"):
            return self._v3(path.rpartition("/")[2], parts)
        if path == "/edit":
            request = {k: _text(v) for k, v in parts.items() if k not in ("image_file", "mask")}
            return self._v2("edit", request, parts)
        if path in ("/remix", "/upscale"):
            request = json.loads(parts["image_request"])
            return self._v2(path[1:], request, parts)
        raise Refuse(404, {"error": "no such endpoint"})

    def _v3(self, action: str, parts: dict[str, bytes]) -> dict[str, Any]:
        unknown = set(parts) - _V3_FIELDS.get(action, set()) - _V3_ALWAYS
        if action not in _V3_FIELDS or unknown:
            raise Refuse(400, {"error": f"unknown: {action} {sorted(unknown)}"})
        asked: dict[str, Any] = {"action": action, "model": "V_3"}
        asked |= {k: _text(v) for k, v in parts.items() if k not in ("image", "mask")}
        if asked["rendering_speed"] not in ("FLASH", "TURBO", "DEFAULT", "QUALITY"):
            raise Refuse(400, {"error": "rendering_speed"})
        if "resolution" in asked:
            asked["size"] = [int(n) for n in asked["resolution"].split("x")]
        return self._with_images(asked, parts.get("image"), parts.get("mask"))

    def _v2(self, action: str, asked: dict[str, Any], parts: dict[str, bytes]) -> dict[str, Any]:
        known = {"resemblance", "detail", "magic_prompt_option", "num_images"}
        unknown = set(asked) - (known if action == "upscale" else _V2_FIELDS)
        if unknown:
            raise Refuse(400, {"error": f"unknown: {sorted(unknown)}"})
        asked = {"action": action, "model": "upscale", **asked}
        if "resolution" in asked:
            asked["size"] = [int(n) for n in asked["resolution"].split("_")[1:]]
        return self._with_images(asked, parts.get("image_file"), parts.get("mask"))

    def _with_images(
        self, asked: dict[str, Any], image: bytes | None, mask: bytes | None
    ) -> dict[str, Any]:
        if "size" in asked and tuple(asked["size"]) not in SIZES[asked["model"]]:
            raise Refuse(400, {"error": f"resolution {asked['size']}"})
        if image is None:
            return asked
        source = Image.open(io.BytesIO(image))
        asked |= {"_source": source, "source": hashlib.sha256(image).hexdigest()}
        asked.setdefault("size", list(source.size))
        if mask is not None:
            white_keeps = Image.open(io.BytesIO(mask)).convert("L")
            if white_keeps.size != source.size or set(np.unique(white_keeps)) - {0, 255}:
                raise Refuse(400, {"error": "the mask must be black and white, of the same size"})
            asked |= {"_mask": white_keeps, "mask": hashlib.sha256(mask).hexdigest()}
        return asked

    def refusal(self, fault: str) -> Refuse:
        return {
            "rate_limited": Refuse(
                429, {"error": "slow down", "reject_reason": "inflight_limit"}, {"Retry-After": "0"}
            ),
            "server_error": Refuse(500, {"error": "internal"}),
            "unavailable": Refuse(503, {"error": "overloaded"}, {"Retry-After": "0"}),
            "echoes_key": Refuse(500, {"error": f"crashed with headers Api-Key: {SECRET}"}),
            "refused_prompt": Refuse(422, {"error": "Prompt failed the safety check"}),
            "retired": Refuse(404, {"error": "model not found"}),
            "unauthorized": Refuse(401, {"error": "invalid API key"}),
            "out_of_credit": Refuse(
                402, {"error": "no credit", "reject_reason": "insufficient_funds"}
            ),
        }[fault]

    def reply(self, asked: dict[str, Any], fault: str | None) -> Any:
        if fault == "no_image":
            return {"created": "2026-11-24T00:00:00+00:00", "data": []}
        image = self._drawn(asked)
        if fault == "wrong_size":
            image = image.resize((image.width // 2, image.height))
        return {
            "created": "2026-11-24T00:00:00+00:00",
            "data": [
                {
                    "prompt": asked.get("prompt", "")
                    + (" at dusk" if fault == "rewritten" else ""),
                    "resolution": f"{image.width}x{image.height}",
                    "is_image_safe": fault != "withheld",
                    "seed": int(asked.get("seed", 1)) + (fault == "other_seed"),
                    "url": "" if fault == "withheld" else self._link(image, fault),
                    "style_type": "GENERAL",
                }
            ],
        }

    def _drawn(self, asked: dict[str, Any]) -> Image.Image:
        if asked["action"] == "upscale":
            source = asked["_source"].convert("RGB")
            return source.resize((source.width * 2, source.height * 2))
        prompt, seed, size = asked["prompt"], int(asked["seed"]), tuple(asked["size"])
        if "_mask" in asked:
            return edited(asked["_source"], ImageOps.invert(asked["_mask"]), prompt, seed)
        return draw(prompt, seed, size)

    def _link(self, image: Image.Image, fault: str | None) -> str:
        if fault == "foreign_link":
            return "http://169.254.169.254/latest/meta-data/"
        data = {"bomb": BOMB, "not_an_image": b"<html>"}.get(fault or "") or png(image)
        with self.lock:
            name = f"{len(self._images):06d}.png"
            self._images[name] = (data, fault)
        return f"{self.url}/api/images/ephemeral/{name}?exp=1764000000&sig=e13e"

    def download(self, path: str) -> tuple[int, bytes, str | None]:
        name = path.rpartition("/")[2].partition("?")[0]
        if name not in self._images:
            return 404, b"", None
        data, fault = self._images[name]
        if fault in ("moved_link", "led_astray", "led_in_circles") and "moved" not in path:
            where = {"moved_link": f"{path}&moved=1", "led_in_circles": path}
            raise Refuse(302, "", {"Location": where.get(fault, "http://169.254.169.254/")})
        with self.lock:
            self._downloads[name] += 1
            first = self._downloads[name] == 1
        if fault == "expired_link":
            return 403, b"", None
        if fault == "busy_download" and first:
            return 503, b"", None
        return 200, data, "truncated" if fault == "broken_download" and first else None


def _multipart(kind: str, body: bytes) -> dict[str, bytes]:
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): bytes(
            part.get_payload(decode=True) or b""
        )
        for part in message.get_payload()
    }


def _text(value: bytes) -> str:
    return value.decode()
