"""Bodies of replies: odd, broken, and of others than the API."""

from __future__ import annotations

import json
from typing import Any

from imgassets_tests.fakes.server import SECRET

DEEP = b"[" * 200_000 + b"]" * 200_000


def told(details: Any) -> bytes:
    """Google's error object with details of another shape."""
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x", "details": details}
    return json.dumps({"error": error}).encode()


#: Error bodies seen in the wild or possible: of the API, of gateways before it, and broken ones.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blank": b"  \n",
    "null": b"null",
    "true": b"true",
    "number": b"429",
    "long number": b"9" * 5000,
    "string": b'"quota"',
    "empty list": b"[]",
    "list of nulls": b"[null, null]",
    "list of one error": b"[" + told([]) + b"]",
    "empty object": b"{}",
    "error null": b'{"error": null}',
    "error string": b'{"error": "slow down"}',
    "error number": b'{"error": 7}',
    "error list": b'{"error": [{"message": ["a"]}]}',
    "message object": b'{"error": {"message": {"en": "x"}, "status": 4}}',
    "details null": told(None),
    "details strings": told(["quota"]),
    "details object": told({"a": 1}),
    "details number": told(3),
    "details nested": told([[{"retryDelay": "0s"}]]),
    "delay number": told([{"retryDelay": 0}]),
    "delay object": told([{"retryDelay": {"seconds": "0", "nanos": 1}}]),
    "delay list": told([{"retryDelay": [1]}]),
    "delay negative": told([{"retryDelay": "-5s"}]),
    "delay nonsense": told([{"retryDelay": "PT3S"}]),
    "other keys": b'{"detail": [{"loc": ["body"], "msg": "x"}], "code": "abc", "status": {}}',
    "half of JSON": told([])[:30],
    "HTML": b"<html><h1>429</h1></html>",
    "no UTF-8": b'\xff\xfe{"error": "\xe9"}',
    "byte-order mark": b"\xef\xbb\xbf" + told([]),
    "UTF-16": told([]).decode().encode("utf-16"),
    "lone surrogate": b'{"error": {"message": "a\\ud800b", "status": "\\udfff"}}',
    "nul": b'{"error": {"message": "a\\u0000b"}}',
    "NaN": b'{"error": {"code": NaN, "message": "x"}}',
    "too deep": DEEP,
    "the key": json.dumps({"error": {"message": f"key {SECRET} is slow"}}).encode(),
}
