"""`imgassets serve`: the official client against the embedded model, over a real socket."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import uvicorn
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.backends.registry import open_backend
from imgassets.documents.project import load_project
from imgassets.requests import build_requests
from imgassets.serving.app import application
from imgassets.serving.asked import Asked
from imgassets.serving.batching import Batcher, BusyError
from imgassets_tests.backends.hosted_models import backend_of, model_of
from imgassets_tests.conftest import write_project
from imgassets_tests.fakes.drawing import png

MODEL = "fast"  # tiny-turbo


@dataclass
class Recorded:
    """A backend that counts batches, and waits at each while `hold` is not set."""

    inner: Any
    batches: list[int] = field(default_factory=list)
    free: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def generate(self, inputs: Any) -> list[Outcome]:
        self.batches.append(len(inputs))
        self.begun.set()
        self.free.wait(60)
        return self.inner.generate(inputs)

    def edit(self, inputs: Any, sources: Any) -> list[Outcome]:
        self.batches.append(len(inputs))
        return self.inner.edit(inputs, sources)


@dataclass(frozen=True)
class Served:
    """A running server."""

    root: Path
    url: str
    backend: Recorded

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    write_project(root)
    project = load_project(root)
    backend = Recorded(open_backend(root, project.model(MODEL), "cpu"))
    backend.free.set()
    batcher = Batcher(lambda: backend, project.model(MODEL).batch_size)
    app = application(MODEL, Asked(project, MODEL, "cpu"), batcher)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield Served(root, f"http://127.0.0.1:{listener.getsockname()[1]}", backend)
        server.should_exit = True
        thread.join(20)
    batcher.close()


def pixels(reply: Any, index: int = 0) -> np.ndarray:
    data = base64.b64decode(reply.data[index].b64_json)
    return np.asarray(Image.open(io.BytesIO(data)))


def test_models_are_listed(served: Served) -> None:
    assert [m.id for m in served.client.models.list()] == [MODEL]
    assert served.client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        served.client.models.retrieve("other")


def test_the_same_seed_gives_the_pixels_that_validate_gets(served: Served) -> None:
    requests = build_requests(load_project(served.root), "cards", MODEL, "cpu")
    request = next(r for r in requests if r.flow == "generate")
    (want,) = served.backend.inner.generate([request.inputs])
    got = served.client.images.generate(
        prompt=request.inputs["prompt"], model=MODEL, extra_body={"seed": request.seed}
    )
    assert np.array_equal(pixels(got), np.asarray(want.image))
    assert got.data is not None
    assert got.data[0].seed == request.seed  # type: ignore[attr-defined]


def test_several_images_have_seeds_that_follow(served: Served) -> None:
    one = {"prompt": "a large red circle", "size": "96x96"}
    both = served.client.images.generate(**one, n=2, extra_body={"seed": 7})  # type: ignore[arg-type]
    second = served.client.images.generate(**one, extra_body={"seed": 8})  # type: ignore[arg-type]
    assert np.array_equal(pixels(both, 1), pixels(second))
    assert not np.array_equal(pixels(both, 0), pixels(both, 1))


def test_without_a_seed_no_image_repeats(served: Served) -> None:
    first, second = (served.client.images.generate(prompt="a red circle") for _ in range(2))
    assert not np.array_equal(pixels(first), pixels(second))


def test_requests_that_wait_together_share_a_batch(served: Served) -> None:
    backend = served.backend
    backend.batches.clear()
    backend.begun.clear()
    backend.free.clear()

    def ask(seed: int) -> Any:
        return served.client.images.generate(prompt="a star", extra_body={"seed": seed})

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, 1)
        assert backend.begun.wait(60)
        rest = [pool.submit(ask, seed) for seed in (2, 3)]
        time.sleep(1)  # both arrive while the first is being made
        backend.free.set()
        made = [f.result(60) for f in (first, *rest)]
    assert backend.batches == [1, 2]
    assert np.array_equal(pixels(made[1]), pixels(ask(2)))  # neighbours change nothing


# ---- edits --------------------------------------------------------------------------------


def hole(size: tuple[int, int], box: tuple[int, int, int, int]) -> bytes:
    mask = Image.new("RGBA", size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), box)
    return png(mask)


def test_an_edit_is_the_one_that_validate_gets(served: Served) -> None:
    requests = build_requests(load_project(served.root), "cards", MODEL, "cpu")
    request = next(r for r in requests if r.flow == "edit")
    source = Image.new("RGB", (96, 96), "beige")
    (want,) = served.backend.inner.edit([request.inputs], [source])
    left, top, right, bottom = (round(96 * edge) for edge in request.inputs["region"])
    got = served.client.images.edit(
        image=("a.png", png(source), "image/png"),
        mask=("m.png", hole((96, 96), (left, top, right, bottom)), "image/png"),
        prompt=request.inputs["prompt"],
        extra_body={"seed": request.seed},
    )
    assert np.array_equal(pixels(got), np.asarray(want.image))


@pytest.mark.parametrize(
    ("image", "mask", "told"),
    [
        (png(Image.new("RGB", (96, 96))), hole((96, 96), (0, 0, 0, 0)), "nothing in it"),
        (png(Image.new("RGB", (96, 96))), hole((48, 48), (0, 0, 8, 8)), "not of the size"),
        (b"<html>", None, "image: "),
        (png(Image.new("RGB", (96, 96)))[:90], None, "image: "),
        (png(Image.new("RGB", (96, 96))), b"junk", "mask: "),
    ],
)
def test_files_that_cannot_be_used_are_told(
    image: bytes, mask: bytes | None, told: str, served: Served
) -> None:
    more: Any = {"mask": ("m.png", mask, "image/png")} if mask else {}
    with pytest.raises(openai.BadRequestError, match=told):
        served.client.images.edit(image=("a.png", image, "image/png"), prompt="x", **more)


def test_a_mask_with_two_holes_is_refused(served: Served) -> None:
    mask = Image.open(io.BytesIO(hole((96, 96), (0, 0, 8, 8))))
    mask.paste((0, 0, 0, 0), (40, 40, 48, 48))
    with pytest.raises(openai.BadRequestError, match="one rectangle"):
        served.client.images.edit(
            image=("a.png", png(Image.new("RGB", (96, 96))), "image/png"),
            mask=("m.png", png(mask), "image/png"),
            prompt="x",
        )


# ---- what is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({}, 400, "prompt"),
        ({"prompt": ""}, 400, "prompt"),
        ({"prompt": 5}, 400, "prompt"),
        ({"prompt": "x" * 40_000}, 400, "prompt"),
        ({"prompt": "x", "n": 11}, 400, "n"),
        ({"prompt": "x", "n": True}, 400, "n"),
        ({"prompt": "x", "size": "96"}, 400, "size"),
        ({"prompt": "x", "size": "99999x96"}, 400, "size"),
        ({"prompt": "x", "seed": -1}, 400, "seed"),
        ({"prompt": "x", "seed": 1.5}, 400, "seed"),
        ({"prompt": "x", "response_format": "url"}, 400, "response_format"),
        ({"prompt": "x", "output_format": "webp"}, 400, "output_format"),
        ({"prompt": "x", "background": "transparent"}, 400, "background"),
        ({"prompt": "x", "steps": 3}, 400, "steps"),
        ({"prompt": "x", "model": "other"}, 404, "model"),
    ],
)
def test_what_cannot_be_served_is_an_error_of_openais_shape(
    fields: dict[str, Any], status: int, param: str, served: Served
) -> None:
    reply = httpx.post(f"{served.url}/v1/images/generations", json=fields)
    error = reply.json()["error"]
    assert (reply.status_code, error["param"]) == (status, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]


def test_a_size_that_the_model_cannot_make_is_the_requests_fault(served: Served) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        served.client.images.generate(prompt="x", size="97x31")  # type: ignore[call-overload]
    assert refused.value.code == "bad_document"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_request_is_told(body: bytes, served: Served) -> None:
    reply = httpx.post(f"{served.url}/v1/images/generations", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_large_bodies_are_not_read(served: Served) -> None:
    reply = httpx.post(f"{served.url}/v1/images/generations", content=b"x" * (2**20 + 1))
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("path", ["/v1/images/variations", "/", "/v1/images/edits/x"])
def test_other_addresses_are_errors_of_the_same_shape(path: str, served: Served) -> None:
    reply = httpx.post(f"{served.url}{path}")
    assert reply.status_code == 404
    assert reply.json()["error"]["message"]


def test_pages_of_the_web_are_refused(served: Served) -> None:
    """By their origin, and by the name under which they reach this machine."""
    url = f"{served.url}/v1/images/generations"
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert httpx.post(url, json={"prompt": "x"}, headers=headers).status_code == 403
    local = {"Origin": "http://localhost:3000"}
    assert httpx.get(f"{served.url}/v1/models", headers=local).status_code == 200


# ---- batches, errors of backends ----------------------------------------------------------


class Broken:
    """A backend that cannot make anything."""

    def __init__(self, outcome: Outcome | Exception) -> None:
        self._outcome = outcome

    def generate(self, inputs: Any) -> list[Outcome]:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return [self._outcome] * len(inputs)


@pytest.mark.parametrize(
    ("outcome", "mode"),
    [
        (Outcome(failure="budget_exhausted", message="no"), "budget_exhausted"),
        (RuntimeError("out of memory"), "out_of_memory"),
        (ZeroDivisionError("x"), "backend_error"),
    ],
)
def test_a_backend_that_fails_fails_its_requests_and_goes_on(outcome: Any, mode: str) -> None:
    batcher = Batcher(lambda: Broken(outcome), 4)  # type: ignore[arg-type, return-value]
    for _ in range(2):
        (made,) = batcher.submit("generate", [{"size": [8, 8]}], None)
        assert made.result(10).outcome.failure == mode
    batcher.close()
    with pytest.raises(BusyError):
        batcher.submit("generate", [{"size": [8, 8]}], None)


def test_no_more_wait_than_may() -> None:
    free = threading.Event()

    def open_slowly() -> Any:
        free.wait(30)
        return Broken(Outcome(failure="blank"))

    batcher = Batcher(open_slowly, 1, most_waiting=2)
    batcher.submit("generate", [{"size": [8, 8]}], None)
    time.sleep(0.3)  # taken; two more may wait
    batcher.submit("generate", [{"size": [8, 8]}] * 2, None)
    with pytest.raises(BusyError, match="2 images wait"):
        batcher.submit("generate", [{"size": [8, 8]}], None)
    free.set()
    batcher.close()


# ---- the command --------------------------------------------------------------------------


def test_the_command_serves_and_ends_by_sigterm(project_root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "imgassets.cli.main", "serve", MODEL, "--port", str(port)]
    environment = os.environ | {"IMGASSETS_PROJECT": str(project_root)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            try:
                reply = httpx.get(f"http://127.0.0.1:{port}/v1/models")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        assert json.loads(reply.text)["data"][0]["id"] == MODEL
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert f"http://127.0.0.1:{port}/v1" in said
    assert "Traceback" not in said


def test_backend_openai_gets_from_it_what_the_model_itself_makes(
    served: Served, tmp_path: Path
) -> None:
    """Generations and edits, so sizes, seeds and masks survive the way there and back."""
    model = model_of(
        "openai", base_url=f"{served.url}/v1", api_model=MODEL, asked_size=None, quality=None
    )
    there = backend_of(tmp_path, model)
    requests = build_requests(load_project(served.root), "cards", MODEL, "cpu")
    source = Image.new("RGB", (96, 96), "beige")
    for flow, sources in (("generate", []), ("edit", [[source]])):
        asked = [next(r.inputs for r in requests if r.flow == flow)]
        (here,) = getattr(served.backend.inner, flow)(asked, *sources)
        (got,) = getattr(there, flow)(asked, *sources)
        assert got.image is not None, got.message
        assert np.array_equal(np.asarray(got.image), np.asarray(here.image))


# ---- times, and flows that the protocol does not know -------------------------------------


def test_every_reply_tells_how_long_it_waited_and_was_made(served: Served) -> None:
    from imgassets.backends.server_timing import HEADER, Timing

    url = f"{served.url}/v1/images/generations"
    begun = time.perf_counter()
    reply = httpx.post(url, json={"prompt": "a star", "seed": 1}, timeout=60)
    took = time.perf_counter() - begun
    told = Timing.read(reply.headers[HEADER])
    assert told is not None
    assert 0 < told.make <= took
    assert 0 <= told.queue <= took - told.make
    assert told.batch == 1
    assert told.memory > 50
    refused = httpx.post(url, json={"prompt": ""})
    assert Timing.read(refused.headers[HEADER]) == Timing()


def test_the_log_has_a_line_for_each_request_and_no_prompt(served: Served) -> None:
    log = io.StringIO()
    project = load_project(served.root)
    batcher = Batcher(lambda: served.backend, 4)
    app = application(MODEL, Asked(project, MODEL, "cpu"), batcher, log)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = {"prompt": "a secret star", "seed": 1}
            named = {"x-request-id": "7.generate"}
            odd = {"x-request-id": 'a"b c'}
            path = "/v1/images/generations"
            return [
                await client.post(path, json=asked, headers=named, timeout=60),
                await client.post(path, json={}, headers=odd),
            ]

    replies = asyncio.run(ask())
    batcher.close()
    assert [reply.status_code for reply in replies] == [200, 400]
    first, second = (json.loads(line) for line in log.getvalue().splitlines())
    assert (first["id"], first["status"], first["batch"]) == ("7.generate", 200, 1)
    assert first["answered"] - first["received"] >= first["queue"] + first["make"] > 0
    assert (second["id"], second["status"], second["make"]) == ("", 400, 0)
    assert "secret" not in log.getvalue()


def test_upscales_are_those_that_validate_gets(served: Served) -> None:
    from imgassets.backends.registry import upscale_maker

    project = load_project(served.root)
    source = Image.new("RGB", (96, 96), "beige")
    source.paste("navy", (20, 30, 60, 70))
    request = next(r for r in build_requests(project, "cards", MODEL, "cpu") if r.flow == "upscale")
    (want,) = upscale_maker(served.root, project.model(MODEL), "cpu")([request.inputs], [source])
    batcher = Batcher(
        lambda: served.backend,
        4,
        open_maker=lambda flow, _: upscale_maker(served.root, project.model(MODEL), "cpu"),
    )
    asked = Asked(project, MODEL, "cpu")
    assert asked.flows == ["generate", "edit", "upscale"]
    wanted = asked.from_image("upscale", {}, png(source))
    (made,) = batcher.submit(wanted.flow, wanted.inputs, wanted.source)
    outcome = made.result(60).outcome
    batcher.close()
    assert outcome.image is not None, outcome.message
    assert np.array_equal(np.asarray(outcome.image), np.asarray(want.image))


def test_flows_that_a_model_lacks_are_refused(served: Served) -> None:
    reply = httpx.post(
        f"{served.url}/v1/images/stylize",
        data={"prompt": "x"},
        files={"image": ("a.png", png(Image.new("RGB", (96, 96))), "image/png")},
    )
    assert reply.status_code == 400
    assert "cannot stylize" in reply.json()["error"]["message"]
    listed = httpx.get(f"{served.url}/v1/models").json()["data"][0]
    assert listed["flows"] == ["generate", "edit", "upscale"]
