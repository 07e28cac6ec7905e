"""Images by any program: it reads a JSON request and writes an image file. No shell is involved.

docs/models.md has the request. The program gets our environment; what it says on standard error is
shown where it fails, without the environment's secrets.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.backends.hosted_messages import scrub
from imgassets.documents.command import CommandModel
from imgassets.documents.sources import SourceRules
from imgassets.flows import FLOWS, FlowName
from imgassets.images.encoding import encode_png
from imgassets.images.errors import RefusedError
from imgassets.images.intake import read_file
from imgassets.images.masks import EmptyRegionError, region_mask
from imgassets.images.normalize import normalize, opaque

_RULES = SourceRules(source_formats=("PNG", "JPEG", "WEBP"), source_alpha="keep")
_LAST_BYTES = 4096
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|DSN|URL", re.IGNORECASE)
_SHORTEST_SECRET = 6


class _FailedError(Exception):
    """One image was not made.

    Attributes:
        outcome: why.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class CommandBackend:
    """One program; see `base.Backend`."""

    def __init__(self, root: Path, model: CommandModel) -> None:
        self._root, self._model = root, model

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """Text to image; see `Backend`."""
        return [self._one("generate", asked, None) for asked in inputs]

    def stylize(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Image to image; see `Backend`."""
        pairs = zip(inputs, sources, strict=True)
        return [self._one("stylize", asked, source) for asked, source in pairs]

    def edit(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Inpainting; see `Backend`."""
        pairs = zip(inputs, sources, strict=True)
        return [self._one("edit", asked, source) for asked, source in pairs]

    def _one(self, flow: FlowName, asked: dict[str, Any], source: Image.Image | None) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="imgassets-command-") as name:
            folder = Path(name)
            try:
                request = _request(flow, asked, source, folder)
                start = time.perf_counter()
                self._run(request, folder)
                seconds = time.perf_counter() - start
                return Outcome(_image(request), seconds=seconds)
            except _FailedError as error:
                return error.outcome
            except EmptyRegionError as error:
                return Outcome(failure="bad_document", message=str(error))
            except OSError as error:  # no room for the request, no such program
                message = f"{self._model.command[0]} cannot be started: {error.strerror or error}"
                return Outcome(failure="machine_error", message=message)

    def _run(self, request: dict[str, Any], folder: Path) -> None:
        # Files, not pipes: a process that the program leaves behind cannot keep us waiting.
        told = folder / "request.json"
        told.write_text(json.dumps(request), encoding="utf-8")
        with told.open("rb") as stdin, (folder / "stderr").open("w+b") as said:
            process = subprocess.Popen(  # noqa: S603 - a list from the document, and no shell
                self._model.command,
                cwd=self._root,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
            try:
                code = process.wait(self._model.timeout_seconds)
            except subprocess.TimeoutExpired:
                message = f"not done after {self._model.timeout_seconds:g} s, and was ended"
                raise _FailedError(Outcome(failure="timed_out", message=message)) from None
            finally:
                _end_group(process)
            if code:
                message = f"{_ended(code)}: {_last_line(said)}".rstrip(": ")
                raise _FailedError(Outcome(failure="backend_error", message=message))


def _request(
    flow: FlowName, asked: dict[str, Any], source: Image.Image | None, folder: Path
) -> dict[str, Any]:
    """What the program reads, with its files beside it."""
    width, height = asked["size"]
    request = {
        "flow": flow,
        "prompt": asked["prompt"],
        "negative_prompt": asked["negative_prompt"],
        "seed": asked["seed"],
        "replicate": asked.get("replicate", 0),
        "width": width,
        "height": height,
        "output": str(folder / "output.png"),
        "parameters": asked.get(flow, {}).get("parameters", {}),
    }
    if source is not None:
        request["source"] = _written(folder / "source.png", source)
    if FLOWS[flow].edits:
        request["mask"] = _written(
            folder / "mask.png", region_mask(asked["region"], (width, height))
        )
    return request


def _written(path: Path, image: Image.Image) -> str:
    path.write_bytes(encode_png(image))
    return str(path)


def _image(request: dict[str, Any]) -> Image.Image:
    """The image that was written, through the same guard as all that come from outside."""
    path = Path(request["output"])
    if not os.path.lexists(path):
        message = "it ended well and wrote no image to `output`"
        raise _FailedError(Outcome(failure="backend_error", message=message))
    try:
        image = opaque(normalize(read_file(path, _RULES), _RULES).image)
    except RefusedError as error:
        message = f"what it wrote is not a usable image: {error}"
        raise _FailedError(Outcome(failure="unreadable", message=message)) from None
    if image.size != (request["width"], request["height"]):
        came = f"{image.width}x{image.height} came"
        message = f"{came}, not {request['width']}x{request['height']}"
        raise _FailedError(Outcome(failure="wrong_size", message=message))
    return image


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ended(code: int) -> str:
    if code > 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _last_line(said: IO[bytes]) -> str:
    """The last line on standard error, without what may be a secret of the environment."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _LAST_BYTES))
    text = said.read().decode("utf-8", "replace")
    secrets = {
        value
        for name, value in os.environ.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET
    }
    if size > _LAST_BYTES:  # it may begin in the middle of one
        text = text[max(map(len, secrets), default=0) :]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    lines = (line for line in reversed(text.split("\n")) if line.strip())
    return scrub(next(lines, ""), "")
