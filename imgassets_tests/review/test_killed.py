"""SIGKILL at twenty moments: every acknowledged answer is kept, and none is counted twice."""

from __future__ import annotations

import itertools
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from imgassets.documents.answers import read_answers
from imgassets_tests.review.served import Served, free_port, served

KILLS = 20


@pytest.mark.timeout(1200)  # 21 starts of the command: 90 s on two idle cores, more on busy ones
def test_no_answer_is_lost_or_counted_twice_in_twenty_kills(reviewed: Path) -> None:
    port, chance = free_port(), random.Random(17)
    numbers, acknowledged, refused = itertools.count(1), list[str](), 0
    unsent: list[dict[str, object]] = []
    for _ in range(KILLS):
        with served(reviewed, port, "--pairs", "40") as server, _client(server) as client:
            pairs = client.get("deck", params={"who": "ana"}).json()["pairs"]
            killer = threading.Timer(chance.uniform(0.05, 0.6), server.stop, [signal.SIGKILL])
            killer.start()
            for answer in _answers(pairs, numbers, unsent):
                if not _post(client, answer):
                    refused += 1
                    unsent = [answer]  # the page sends it again, under the same id
                    break
                acknowledged.append(str(answer["id"]))
                unsent = []
            killer.join()
    assert refused == KILLS
    with served(reviewed, port, "--pairs", "40") as server, _client(server) as client:
        for answer in unsent:
            assert _post(client, answer)
            acknowledged.append(str(answer["id"]))
    file = read_answers(reviewed / "reviews/cards.jsonl", "cards")
    assert not file.problems
    assert not file.warnings
    assert [answer.id for answer in file.answers] == acknowledged
    print(f"{KILLS} kills, {len(acknowledged)} answers acknowledged")
    assert len(acknowledged) > 2 * KILLS


def _answers(
    pairs: list[dict[str, str]], numbers: Iterator[int], unsent: list[dict[str, object]]
) -> Iterator[dict[str, object]]:
    yield from unsent
    for number in numbers:
        yield {
            "id": f"{number:032x}", "when": "2026-11-27T14:30:05Z", "who": f"ana {number % 3}",
            "pair": pairs[number % len(pairs)]["id"], "preference": "equal", "seconds": 0.1,
            "note": "x" * (number % 1500),
        }  # fmt: skip


def _client(server: Served) -> httpx.Client:
    return httpx.Client(base_url=server.address)


def _post(client: httpx.Client, answer: dict[str, object]) -> bool:
    """Whether the answer was acknowledged; the server is dead where it was not."""
    try:
        return client.post("answers", json=answer).status_code == 201
    except httpx.TransportError:
        return False
