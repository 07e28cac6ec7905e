"""`imgassets review`: what it says before and after, and that an open page outlives it."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import httpx
import pytest

from imgassets.cli.main import main
from imgassets_tests.review.conftest import reviewed, reviewed_once  # noqa: F401
from imgassets_tests.review.served import Served, free_port, served


def answer(server: Served, who: str, pair: int) -> int:
    pairs = httpx.get(f"{server.address}deck", params={"who": who}).json()["pairs"]
    said = {
        "id": f"{pair:031x}{who[0]}".replace(who[0], format(ord(who[0]) % 16, "x")),
        "when": "2026-11-27T14:30:05Z", "who": who, "pair": pairs[pair]["id"],
        "preference": "left", "seconds": 2.0,
    }  # fmt: skip
    return httpx.post(f"{server.address}answers", json=said).status_code


def test_it_says_why_pairs_are_in_and_where_answers_go(reviewed: Path) -> None:  # noqa: F811
    with served(reviewed, free_port(), "--pairs", "12", "--who", "ana b") as server:
        assert answer(server, "ana", 0) == 201
        assert answer(server, "ana", 1) == 201
        assert answer(server, "ben", 0) == 201
        assert server.stop(signal.SIGINT) == 0
    told = server.log.read_text()
    assert "cards/fast: NO-GO:" in told
    assert "12  drawn at random from 96; these alone estimate what people think" in told
    assert "right objects: broken" in told
    assert "no criterion of the contract asks people" in told
    assert "answers: reviews/cards.jsonl, 0 of them there already" in told
    assert "?who=ana%20b" in told
    assert "ana answered 2 of" in told
    assert "ben answered 1 of" in told
    assert "reviews/cards.jsonl: 3 answers that count" in told
    assert "next: imgassets validate --endpoint cards" in told


def test_the_address_stays_when_the_server_starts_again(reviewed: Path) -> None:  # noqa: F811
    port = free_port()
    with served(reviewed, port) as first:
        pass
    with served(reviewed, port) as second:
        assert second.address == first.address
    token = reviewed / ".imgassets/review-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    token.write_text("torn")
    with served(reviewed, port) as third:
        assert third.address != first.address


def test_only_this_machine_is_answered(reviewed: Path) -> None:  # noqa: F811
    port = free_port()
    with served(reviewed, port) as server:
        strange = httpx.get(server.address, headers={"Host": "evil.example"})
        assert strange.status_code == 403
        assert "server" not in strange.headers
        assert server.address.startswith(f"http://127.0.0.1:{port}/")


def test_a_taken_port_is_told_and_so_is_a_harmed_file(
    reviewed: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = free_port()
    command = ["review", "--endpoint", "cards", "--model", "fast", "--port", str(port)]
    with served(reviewed, port):
        assert main(command) == 2
    assert "choose another with --port" in capsys.readouterr().err
    (reviewed / "reviews").mkdir(exist_ok=True)
    (reviewed / "reviews/cards.jsonl").write_text("oops\n")
    assert main(command) == 2
    assert "reviews/cards.jsonl:1: not JSON" in capsys.readouterr().err


def test_nothing_was_validated(project_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "--endpoint", "cards", "--model", "fast"]) == 2
    assert "run `imgassets validate --endpoint cards` first" in capsys.readouterr().err
