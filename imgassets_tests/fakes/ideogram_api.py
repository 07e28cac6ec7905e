"""Ideogram's API v1 as documented: V2 by JSON, V3 by multipart, links that expire."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from imgassets.documents.hosted_sizes import SIZES
from imgassets_tests.fakes.drawing import draw, edited
from imgassets_tests.fakes.links import FakeWithLinks, multipart
from imgassets_tests.fakes.server import SECRET, Refuse

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


class FakeIdeogram(FakeWithLinks):
    """Draws what is asked, and serves it under a link of its own."""

    api = "ideogram"

    def understand(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        if headers.get("Api-Key") != SECRET:
            raise Refuse(401, {"error": "invalid API key"})
        kind = headers.get("Content-Type", "")
        if path == "/generate":
            request = json.loads(body)["image_request"]
            return self._v2("generate", request, {})
        if not kind.startswith("multipart/form-data"):
            raise Refuse(400, {"error": "expected multipart/form-data"})
        parts = multipart(kind, body)
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
                    "url": "" if fault == "withheld" else self.link(image, fault),
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


def _text(value: bytes) -> str:
    return value.decode()
