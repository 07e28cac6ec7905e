"""A provider that serves its images under links of its own, and uploads as forms."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes
from typing import Any

from PIL import Image

from imgassets_tests.fakes.drawing import png
from imgassets_tests.fakes.server import BOMB, FakeProvider, Refuse


class FakeWithLinks(FakeProvider):
    """Keeps what it drew, and hands it out once it is asked for."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._images: dict[str, tuple[bytes, str | None]] = {}
        self._downloads: Counter[str] = Counter()

    def link(self, image: Image.Image, fault: str | None) -> str:
        """Where an image can be had."""
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


def multipart(kind: str, body: bytes) -> dict[str, bytes]:
    """The parts of a form, by name."""
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): bytes(
            part.get_payload(decode=True) or b""
        )
        for part in message.get_payload()
    }
