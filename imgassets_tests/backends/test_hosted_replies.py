"""Replies of every shape: what is not billed stays unbilled, and what is paid for is kept."""

from __future__ import annotations

import base64
import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imgassets.backends.hosted_replies import bytes_of, duration
from imgassets.backends.journal import Journal
from imgassets_tests.backends.hosted_models import (
    FAKES,
    ask,
    asked,
    backend_of,
    model_of,
    provider,
)
from imgassets_tests.fakes.bodies import BODIES, told
from imgassets_tests.fakes.drawing import draw, png
from imgassets_tests.fakes.server import SECRET, http

APIS = tuple(FAKES)
#: Status, the mode where it does not pass, whether it is tried again.
REFUSALS = [
    (300, "unreachable", False),
    (302, "bad_request", False),
    (400, "bad_request", False),
    (401, "unauthorized", False),
    (402, "out_of_credit", False),
    (403, "unauthorized", False),
    (404, "model_retired", False),
    (407, "unreachable", True),
    (409, "bad_request", False),
    (429, "rate_limited", True),
    (500, "server_error", True),
    (502, "server_error", True),
    (503, "server_error", True),
    (511, "unreachable", True),
    (599, "server_error", True),
]
FLAT = base64.b64encode(png(Image.new("RGB", (1024, 1024), "red"))).decode()


def then_a_picture(api: str, *first: bytes) -> list[bytes]:
    """Answers: these, then an image."""
    reply = picture_in(api, f"data:image/png;base64,{FLAT}")
    return [*first, http(200, json.dumps(reply).encode())]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("what", BODIES)
def test_a_refusal_of_any_shape_is_not_billed_and_goes_on(
    what: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each status: asked for again where that may help; never paid, never lost."""
    model = model_of(api, {"attempts": 2})
    journal = Journal(tmp_path / ".imgassets/paid", model.model)
    with provider(monkeypatch, api) as fake:
        backend = backend_of(tmp_path, model)
        for n, (status, _, again) in enumerate(REFUSALS):
            request = asked(model, replicate=n)
            fake.answers = then_a_picture(api, http(status, BODIES[what]))
            (outcome,) = backend.generate(request)
            assert (outcome.image is not None) == again, f"{status}: {outcome.message}"
            assert journal.spent() == pytest.approx(0.06 * (n + again)), status
            assert SECRET not in outcome.message
            if not again:
                assert journal.ends()[str(outcome.failure)] == 1
                assert outcome.failure not in ("reply_lost", "timed_out", "machine_error")
                (outcome,) = backend.generate(request)  # the next run asks, and has it
                assert outcome.image is not None, f"{status}: {outcome.message}"
            assert not fake.answers
        assert journal.spent() == pytest.approx(0.06 * len(REFUSALS))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("status", "mode"), [(s, m) for s, m, _ in REFUSALS if s > 302])
def test_a_refusal_that_stays_is_told_by_its_status(
    status: int, mode: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [http(status, BODIES["details strings"])] * 2
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure == mode
    assert f"HTTP {status}" in outcome.message
    assert journal.spent() == 0


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "raw",
    {
        "cut short": http(429, b"abc", Content_Length="500"),
        "no gzip": http(503, b"abc", Content_Encoding="gzip"),
        "gzip cut short": http(429, gzip.compress(told([]) * 50)[:40], Content_Encoding="gzip"),
        "unknown charset": http(429, b"abc", Content_Type="text/plain; charset=rot13"),
        "no charset": http(429, b"abc", Content_Type="application/json; charset=bogus"),
        "chunks that lie": http(429, b"zz\r\nabc", Transfer_Encoding="chunked").replace(
            b"Content-Length: 7\r\n", b""
        ),
        "odd header": http(429, b"{}", X_Odd="\xff\xfe"),
        "empty reason": http(429, b"{}").replace(b"429 Told", b"429 "),
    }.values(),
)
def test_a_refusal_whose_body_cannot_be_had_is_one_all_the_same(
    raw: bytes, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = then_a_picture(api, raw)
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure is None, outcome.message
    assert journal.spent() == pytest.approx(0.06)


# ---- waits --------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "value",
    ["-5", "0.05", "nan", "inf", "-inf", "1e3", "soon", "", "1_0", "٣", "0, 0", "Thu, 99 Foo 2026",
     "Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 +9999999", "2026-11-26T10:00:00Z"],
)  # fmt: skip
def test_an_odd_retry_after_is_survived(
    value: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = http(429, b"{}").replace(b"\r\n\r\n", f"\r\nRetry-After: {value}\r\n\r\n".encode())
    with provider(monkeypatch, api) as fake:
        fake.answers = then_a_picture(api, raw)
        start = time.monotonic()
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure is None, outcome.message
    assert time.monotonic() - start < 5
    assert journal.spent() == pytest.approx(0.06)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("value", ["999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_beyond_patience_ends_at_once_unpaid(
    value: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [http(429, b"{}", Retry_After=value)]
        outcome, journal = ask(tmp_path, api)
        assert not fake.posts
    assert outcome.failure == "rate_limited"
    assert journal.spent() == 0


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(0), timedelta(days=400)])
def test_a_date_to_wait_for_is_read_against_the_replys_own_clock(
    skew: timedelta, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC) + skew
    later = format_datetime(now + timedelta(seconds=2), usegmt=True)
    with provider(monkeypatch, api) as fake:
        date = format_datetime(now, usegmt=True)
        fake.answers = then_a_picture(api, http(429, b"{}", Date=date, Retry_After=later))
        start = time.monotonic()
        outcome, _ = ask(tmp_path, api, patience_seconds=8)
    assert outcome.failure is None, outcome.message
    assert 1 < time.monotonic() - start < 7


def test_a_duration_is_read_in_all_its_forms() -> None:
    assert [duration(v) for v in ("3s", "1.5s", "2", {"seconds": "2", "nanos": 500_000_000})] == [
        3.0,
        1.5,
        2.0,
        2.5,
    ]
    odd: list[Any] = ["-3s", "PT3S", "", "s", None, 3, [], {"seconds": -1}, {"seconds": []}]
    assert [duration(v) for v in odd] == [None] * len(odd)


# ---- what is paid for ---------------------------------------------------------------------

PICTURE = png(draw("a large red circle on white", 0, (1024, 1024)))
PLAIN = base64.b64encode(PICTURE).decode()
WRITTEN: dict[str, str] = {
    "plain": PLAIN,
    "data URI": f"data:image/png;base64,{PLAIN}",
    "data URI in capitals": f"DATA:image/png;charset=x;BASE64,{PLAIN}",
    "escaped data URI": "data:image/png;base64," + PLAIN.replace("+", "%2B").replace("/", "%2F"),
    "lines of 76": "\n".join(PLAIN[i : i + 76] for i in range(0, len(PLAIN), 76)),
    "lines of MIME": "\r\n".join(PLAIN[i : i + 76] for i in range(0, len(PLAIN), 76)) + "\r\n",
    "escaped twice": "\\n".join(PLAIN[i : i + 76] for i in range(0, len(PLAIN), 76)),
    "spaces": " " + " ".join(PLAIN[i : i + 60] for i in range(0, len(PLAIN), 60)) + "\t",
    "URL-safe": base64.urlsafe_b64encode(PICTURE).decode(),
    "no padding": PLAIN.rstrip("="),
    "URL-safe without padding": base64.urlsafe_b64encode(PICTURE).decode().rstrip("="),
    "too much padding": PLAIN.rstrip("=") + "====",
    "quoted": f'"{PLAIN}"',
}


def picture_in(api: str, text: str) -> Any:
    """The reply of an API that holds an image as text."""
    if api == "gemini":
        part = {"inlineData": {"mimeType": "image/png", "data": text}}
        return {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    if api == "openai":
        return {"created": 1, "data": [{"b64_json": text}]}
    url = text if text[:5].lower() == "data:" else ""
    extra = {} if url else {"b64_json": text}
    return {"data": [{"is_image_safe": True, "seed": 0, "url": url} | extra]}


@pytest.mark.parametrize("how", WRITTEN)
def test_base64_however_written_keeps_the_bytes(how: str) -> None:
    assert bytes_of(WRITTEN[how]) == PICTURE


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", WRITTEN)
def test_an_image_however_written_is_had(
    how: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [http(200, json.dumps(picture_in(api, WRITTEN[how])).encode())]
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure is None, outcome.message
    kept = [
        p.read_bytes() for p in (tmp_path / ".imgassets/paid/replies").rglob("*") if p.is_file()
    ]
    assert kept == [PICTURE]
    assert journal.spent() == pytest.approx(0.06)


def test_gemini_replies_of_related_shapes_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a stream of one, in the other spelling, with what the SDK does not know around it."""
    plain = picture_in("gemini", PLAIN)
    snake = {"inline_data": {"mime_type": "image/png", "data": PLAIN}}
    unknown = {"finishReason": "NEW_REASON", "content": {"parts": [snake], "role": 7}, "x": {}}
    shapes = [
        [plain],
        plain | {"usageMetadata": "many", "modelVersion": 3, "promptFeedback": []},
        {"candidates": [unknown]},
        {"candidates": [{"content": {"parts": [None, "text", 5, {"text": 9}, snake]}}]},
    ]
    with provider(monkeypatch, "gemini") as fake:
        for n, shape in enumerate(shapes):
            fake.answers = [http(200, json.dumps(shape).encode())]
            outcome, _ = ask(tmp_path / str(n), "gemini")
            assert outcome.failure is None, f"{n}: {outcome.message}"
        fake.answers = [http(201, json.dumps(plain).encode())]
        outcome, _ = ask(tmp_path / "created", "gemini")
    assert outcome.failure is None, outcome.message


@pytest.mark.parametrize("shape", ["list", "object", "body is a list", "relative", "blank around"])
def test_ideogram_replies_of_related_shapes_are_read(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram") as fake:
        image = fake.reply({"action": "generate", "prompt": "a large red circle on white",
                            "seed": 0, "size": [1024, 1024]}, None)["data"][0]  # fmt: skip
        path = image["url"].removeprefix(fake.url)
        replies: dict[str, Any] = {
            "list": {"data": [image]},
            "object": {"data": image},
            "body is a list": [{"data": [image]}],
            "relative": {"data": [image | {"url": path}]},
            "blank around": {"data": [image | {"url": f" {image['url']}\n", "seed": "0"}]},
        }
        fake.answers = [http(200, json.dumps(replies[shape]).encode())]
        outcome, _ = ask(tmp_path, "ideogram")
    assert outcome.failure is None, outcome.message


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("what", [b for b in BODIES if b not in ("nothing", "blank")])
def test_a_success_of_no_known_shape_is_paid_lost_and_kept(
    what: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [http(200, BODIES[what])]
        outcome, journal = ask(tmp_path, api)
        (again, _) = ask(tmp_path, api)
        assert not fake.posts  # not bought again
    assert outcome.failure in ("bad_payload", "no_image_but_billed"), outcome.message
    assert again.failure == outcome.failure
    assert journal.spent() == pytest.approx(0.06)
    (kept,) = (p for p in (tmp_path / ".imgassets/paid/odd").rglob("*") if p.is_file())
    assert kept.name in outcome.message
    assert kept.read_bytes() == BODIES[what].replace(SECRET.encode(), b"[API key]")


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_without_a_body_may_be_billed(
    status: int, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        fake.answers = [http(status)]
        outcome, journal = ask(tmp_path, api)
    assert outcome.failure == "bad_payload"
    assert journal.spent() == pytest.approx(0.06)


@pytest.mark.parametrize(
    "link", ["http://[::1", "https://[bad/x", "https://\ud800.example/", "https:///x",
             "javascript:1", "https://127.0.0.1:1/x", "file:///etc/passwd", "//", "https://a b/",
             "x" * 70_000]
)  # fmt: skip
def test_an_odd_link_ends_in_words(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram") as fake:
        body = json.dumps({"data": [{"url": link, "is_image_safe": True, "seed": 0}]}).encode()
        fake.answers = [http(200, body)]
        outcome, journal = ask(tmp_path, "ideogram")
    assert outcome.failure in ("bad_payload", "link_expired", "unreachable"), outcome.message
    assert journal.spent() == pytest.approx(0.06)
    assert not fake.leaks


@pytest.mark.parametrize("api", APIS)
def test_bytes_of_a_damaged_image_stay_on_disk(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = "data:image/png;base64," + base64.b64encode(PICTURE[: len(PICTURE) // 2]).decode()
    with provider(monkeypatch, api) as fake:
        fake.answers = [http(200, json.dumps(picture_in(api, half)).encode())]
        outcome, _ = ask(tmp_path, api)
    assert outcome.failure == "bad_payload"
    kept = [
        p.read_bytes() for p in (tmp_path / ".imgassets/paid/replies").rglob("*") if p.is_file()
    ]
    assert kept == [PICTURE[: len(PICTURE) // 2]]
