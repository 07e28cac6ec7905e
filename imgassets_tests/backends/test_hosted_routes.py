"""Where requests may lead: loopback past every proxy, keys never in the clear."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imgassets.backends.base import BackendError
from imgassets.backends.hosted_http import Wire, base_url
from imgassets.backends.journal import Journal
from imgassets.documents.addresses import is_loopback
from imgassets.documents.failures import NOT_THE_MODELS
from imgassets_tests.backends.hosted_models import FAKES, asked, backend_of, model_of, provider
from imgassets_tests.fakes.server import SECRET, Refuse, http

APIS = tuple(FAKES)
VARIABLES = [v for n in ("http_proxy", "https_proxy", "all_proxy") for v in (n, n.upper())]


@dataclass
class Trap:
    """A listener that keeps what it hears and answers all alike."""

    url: str
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def trap(answer: bytes = b"", host: str = "127.0.0.1") -> Iterator[Trap]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    name = f"[{host}]" if ":" in host else host
    caught = Trap(f"http://{name}:{listener.getsockname()[1]}")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    caught.heard.append(connection.recv(100_000))
                    connection.sendall(answer)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield caught
    finally:
        listener.close()


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("variable", VARIABLES)
def test_loopback_takes_no_proxy(
    variable: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = http(502, b"<html>proxy</html>", Content_Type="text/html")
    with trap(page) as proxy, provider(monkeypatch, api) as fake:
        monkeypatch.setenv(variable, proxy.url)
        for n, url in enumerate((fake.url, fake.url.replace("127.0.0.1", "LocalHost") + "/")):
            monkeypatch.setenv(f"{api.upper()}_BASE_URL", url)
            model = model_of(api)
            (outcome,) = backend_of(tmp_path, model).generate(asked(model, replicate=n))
            assert outcome.failure is None, outcome.message
        assert not proxy.heard


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.255.255.254", "::1"])
def test_all_of_loopback_takes_no_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        service = trap(http(200, b"{}"), host)
        with service as there, trap() as proxy:
            for variable in VARIABLES:
                monkeypatch.setenv(variable, proxy.url)
            wire = Wire(5, there.url)
            assert wire.heard(lambda: wire.client.get(there.url), "").status_code == 200
            assert len(there.heard) == 1
            assert not proxy.heard
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:9", "nonsense://x", "http://[::1", "a b"])
def test_a_proxy_that_cannot_be_used_is_named_and_harms_no_loopback(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", value)
    monkeypatch.setenv("http_proxy", value)
    with provider(monkeypatch, "ideogram"):
        model = model_of("ideogram")
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
        assert outcome.failure is None, outcome.message
    monkeypatch.setenv("IDEOGRAM_BASE_URL", "https://nowhere.invalid")
    try:
        (outcome,) = backend_of(tmp_path, model).generate(asked(model, replicate=1))
        assert outcome.failure == "unreachable"
    except BackendError as error:
        assert "$all_proxy" in str(error)  # noqa: PT017 - either way is right
    assert Journal(tmp_path / ".imgassets/paid", "ideo").spent() == pytest.approx(0.06)


CONNECT_ANSWERS = {
    "502": http(502, b"<html>bad gateway</html>", Content_Type="text/html"),
    "407": http(407, b"", Proxy_Authenticate="Basic"),
    "403": http(403, b"<html>blocked</html>", Content_Type="text/html"),
    "hangs up": b"",
    "junk": b"SSH-2.0-OpenSSH\r\n",
    "tunnel to nowhere": b"HTTP/1.1 200 Connection established\r\n\r\n",
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("answer", CONNECT_ANSWERS)
def test_a_proxy_that_answers_for_the_provider_is_no_fault_of_the_model(
    answer: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is billed, the key is not shown to the proxy, and it is tried again."""
    monkeypatch.setenv(f"{api.upper()}_API_KEY", SECRET)
    monkeypatch.setenv(f"{api.upper()}_BASE_URL", "https://provider.invalid")
    with trap(CONNECT_ANSWERS[answer]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        model = model_of(api, {"attempts": 2})
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
    assert outcome.failure == "unreachable", outcome.message
    assert outcome.failure in NOT_THE_MODELS
    assert len(proxy.heard) == 2
    assert all(b"CONNECT provider.invalid" in h and SECRET.encode() not in h for h in proxy.heard)
    assert Journal(tmp_path / ".imgassets/paid", model.model).spent() == 0


def test_a_proxy_that_keeps_silent_is_not_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEOGRAM_API_KEY", SECRET)
    monkeypatch.setenv("IDEOGRAM_BASE_URL", "https://provider.invalid")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        model = model_of("ideogram", {"attempts": 1, "timeout_seconds": 0.5})
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
    assert outcome.failure == "unreachable", outcome.message
    assert Journal(tmp_path / ".imgassets/paid", "ideo").spent() == 0


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "page",
    [
        http(407, b""),
        http(511, b"<html>log in</html>"),
        http(502, b"<html>", Proxy_Status="squid; error=connection_refused"),
        http(503, b"<html>", X_Squid_Error="ERR_CONNECT_FAIL 111"),
        http(403, b"<html>", Proxy_Authenticate="Basic"),
    ],
)
def test_a_page_that_names_a_proxy_is_the_networks_fault(
    page: bytes, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [page, page]
        model = model_of(api, {"attempts": 2})
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
        assert outcome.failure == "unreachable", outcome.message
        assert "a proxy answered" in outcome.message
        assert Journal(tmp_path / ".imgassets/paid", model.model).spent() == 0
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
    assert outcome.failure is None, outcome.message


@pytest.mark.parametrize("status", [407, 408, 425, 511])
def test_a_paid_image_is_not_lost_to_a_proxy(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram") as fake:
        download, times = fake.download, [0]

        def first_a_page(path: str) -> tuple[int, bytes, str | None]:
            times[0] += 1
            if times[0] == 1:
                raise Refuse(status, "page")
            return download(path)

        monkeypatch.setattr(fake, "download", first_a_page)
        model = model_of("ideogram")
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
    assert outcome.failure is None, outcome.message
    assert sum(fake.bills.values()) == 1


# ---- keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.nip.io", "HTTP://example.com",
     "http://127.0.0.1@example.com", "http://u:p@example.com", "http://[::ffff:8.8.8.8]", "//x",
     "http://0.0.0.0", "http://2130706433", "http://127.1", "http://app.localhost", "ftp://x",
     "127.0.0.1:80", "example.com", "http://", "http://[::1", "http://169.254.169.254"],
)  # fmt: skip
def test_an_address_that_would_show_the_key_is_refused_by_name(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEOGRAM_BASE_URL", url)
    with pytest.raises(BackendError, match="IDEOGRAM_BASE_URL") as refused:
        base_url("IDEOGRAM_BASE_URL", "https://api.ideogram.ai")
    assert "u:p" not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LOCALHOST.", "::ffff:127.0.0.1"],
)
def test_what_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_key_along(
    status: int, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trap() as elsewhere, provider(monkeypatch, api) as fake:
        fake.answers = [http(status, b"", Location=f"{elsewhere.url}/v1")]
        model = model_of(api)
        (outcome,) = backend_of(tmp_path, model).generate(asked(model))
        assert outcome.failure == "unreachable", outcome.message
        assert not elsewhere.heard
    assert Journal(tmp_path / ".imgassets/paid", model.model).spent() == 0


def test_no_plain_request_leaves_the_machine_whoever_asks() -> None:
    """The client itself refuses, below every provider."""
    wire = Wire(5, "https://api.ideogram.ai")
    with pytest.raises(Exception, match="without encryption"):
        wire.client.post("http://example.com/", headers={"Api-Key": SECRET})


@pytest.mark.parametrize("key", ["sk line\nbreak", "schlüssel", "a b", "tab\tkey"])
def test_a_key_that_is_none_is_not_repeated(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of("ideogram")
    monkeypatch.setenv("IDEOGRAM_API_KEY", key)
    with pytest.raises(BackendError, match="IDEOGRAM_API_KEY") as refused:
        backend_of(tmp_path, model).generate(asked(model))
    assert key not in str(refused.value)


def test_a_link_into_this_machine_is_not_followed_for_a_provider_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imgassets.backends.base import HostedError
    from imgassets.backends.ideogram import IdeogramProvider

    monkeypatch.setenv("IDEOGRAM_API_KEY", SECRET)
    monkeypatch.delenv("IDEOGRAM_BASE_URL", raising=False)
    model: Any = model_of("ideogram")
    with pytest.raises(HostedError, match=r"leads to https://127\.0\.0\.1"):
        IdeogramProvider(model).fetch(json.loads('{"url": "https://127.0.0.1:1/x.png"}'))
