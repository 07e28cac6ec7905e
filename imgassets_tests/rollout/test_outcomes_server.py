"""Outcomes over HTTP, by real sockets: kept when answered, and only from this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from imgassets.rollout.outcomes import OutcomeLog
from imgassets.rollout.outcomes_server import outcome_routes

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LINE = '{"id": "%s", "at": "2026-11-27T11:00:00Z", "arm": "candidate", "status": "ok"}\n'
TOKEN = {"authorization": "Bearer sesame"}


@pytest.fixture
def log(tmp_path: Path) -> OutcomeLog:
    return OutcomeLog(tmp_path / "headline.sqlite")


@pytest.fixture
def address(log: OutcomeLog) -> Iterator[str]:
    routes = outcome_routes({"headline": log}.get, "sesame", lambda: NOW)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/outcomes/headline"
    finally:
        server.should_exit = True
        thread.join(10)


def test_a_batch_is_counted_once_however_often_it_is_sent(address: str, log: OutcomeLog) -> None:
    body = LINE % "a" + LINE % "b"
    first = httpx.post(address, content=body, headers=TOKEN)
    assert (first.status_code, first.json()["new"]) == (200, 2)
    again = httpx.post(address, content=body + (LINE % "c").rstrip(), headers=TOKEN)
    assert (again.json()["new"], again.json()["known"]) == (1, 2)
    assert log.requests("candidate", datetime(2026, 11, 27, tzinfo=UTC)) == 3


def test_good_lines_beside_bad_ones_are_kept_and_the_bad_ones_told(
    address: str, log: OutcomeLog
) -> None:
    answer = httpx.post(address, content=LINE % "a" + "nonsense\n", headers=TOKEN)
    assert answer.status_code == 422
    assert answer.json()["new"] == 1
    assert "body:2: not JSON" in answer.json()["refused"][0]
    assert log.refused() == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({**TOKEN, "host": "evil.example"}, 403),
        ({**TOKEN, "origin": "https://evil.example"}, 403),
    ],
)
def test_strangers_are_turned_away(
    address: str, log: OutcomeLog, headers: dict[str, str], status: int
) -> None:
    assert httpx.post(address, content=LINE % "a", headers=headers).status_code == status
    assert log.requests("candidate", datetime(2026, 1, 1, tzinfo=UTC)) == 0


def test_other_endpoints_large_bodies_and_other_encodings_are_refused(address: str) -> None:
    other = httpx.post(address.replace("headline", "other"), content="", headers=TOKEN)
    large = httpx.post(address, content=b" " * (5 * 2**20), headers=TOKEN)
    latin = httpx.post(address, content="é".encode("latin1"), headers=TOKEN)
    assert [a.status_code for a in (other, large, latin)] == [404, 413, 400]


def test_a_log_that_cannot_be_written_is_no_acknowledgement(address: str, log: OutcomeLog) -> None:
    log.file.write_bytes(b"not a database, " * 64)
    answer = httpx.post(address, content=LINE % "a", headers=TOKEN)
    assert answer.status_code == 503
    assert "send the outcomes again" in answer.json()["error"]
