"""What broke on the way: unbilled where a request cannot have arrived, else perhaps billed."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.journal import Journal
from imgassets_tests.backends.hosted_models import (
    FAKES,
    ask,
    asked,
    backend_of,
    model_of,
    provider,
)
from imgassets_tests.fakes.server import SECRET, http

APIS = tuple(FAKES)


def _serve(handle: Callable[[socket.socket], None]) -> tuple[socket.socket, int]:
    """A bare listener on loopback that handles each connection so."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                handle(connection)

    threading.Thread(target=accept, daemon=True).start()
    return listener, listener.getsockname()[1]


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _reset_in_the_middle(connection: socket.socket) -> None:
    connection.recv(1000)
    _reset(connection)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("case", ["no TLS", "wrong certificate", "no such host", "closed port"])
def test_what_never_reached_the_provider_is_not_billed(
    case: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, port = _serve(_tls(tmp_path) if case == "wrong certificate" else _not_tls)
    with closing(listener):
        url = f"https://127.0.0.1:{port}"
        if case == "no such host":
            url = "https://nowhere.invalid"
        if case == "closed port":
            listener.close()
        monkeypatch.setenv(f"{api.upper()}_BASE_URL", url)
        monkeypatch.setenv(f"{api.upper()}_API_KEY", SECRET)
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure == "unreachable", outcome.message
    assert journal.spent() == 0
    assert journal.ends() == {"unreachable": 1}


def _not_tls(connection: socket.socket) -> None:
    connection.recv(100)
    connection.sendall(http(400, b"plain HTTP here"))


def _tls(folder: Path) -> Callable[[socket.socket], None]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "2",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(100_000)

    return handle


def test_a_request_that_was_not_sent_whole_is_not_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider hung up while a source image was being sent."""
    listener, port = _serve(_reset_in_the_middle)
    monkeypatch.setenv("IDEOGRAM_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("IDEOGRAM_API_KEY", SECRET)
    model = model_of("ideogram", {"attempts": 2}, asked_size=None)
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    facts = model.upscaler.model_dump(mode="json") if model.upscaler else {}
    request = {"flow": "upscale", "upscaler": facts, "source": "1" * 64}
    with closing(listener):
        (outcome,) = backend_of(tmp_path, model).upscale([request], [Image.fromarray(noise)])
    assert outcome.failure == "unreachable", outcome.message
    assert Journal(tmp_path / ".imgassets/paid", "ideo").spent() == 0


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 ", b"\x15\x03\x01\x00\x02\x02\x28", b"ICY 200 OK\r\n\r\n"]
)
def test_a_request_that_left_whole_may_be_billed(
    reply: bytes, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [reply]
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure == "reply_lost", outcome.message
    assert journal.spent() == pytest.approx(0.06)


@pytest.mark.parametrize("api", ["ideogram", "gemini"])  # openai cannot stylize at all
def test_an_error_of_our_own_between_claim_and_sending_is_not_billed(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that our own code cannot even write."""
    with provider(monkeypatch, api) as fake:
        model = model_of(api)
        request = asked(model)[0] | {"edit": {}, "region": [0.0, 0.0, 0.5, 1.0]}
        backend, source = backend_of(tmp_path, model), Image.new("RGB", (96, 96))
        make = backend.edit if api == "gemini" else backend.stylize
        (outcome,) = make([request], [source])
        assert not fake.posts
    assert outcome.failure == "machine_error", outcome.message
    journal = Journal(tmp_path / ".imgassets/paid", model.model)
    assert journal.spent() == 0
    assert journal.ends() == {"machine_error": 1}
