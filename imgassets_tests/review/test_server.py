"""The server of the review page: blind, closed to strangers, and true to what was said."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from imgassets.documents.project import load_project
from imgassets.review.deck import DeckPair
from imgassets.review.server import application
from imgassets.review.session import Session, open_session
from imgassets.storage.image_store import ImageStore
from imgassets_tests.review.factories import HOSTILE, SEEDS, draw, key_of

HOST = "http://127.0.0.1:8410"


@pytest.fixture
def client(session: Session) -> TestClient:
    return TestClient(application(session.desk, session.token), base_url=HOST)


@pytest.fixture
def at(session: Session) -> str:
    return f"/{session.token}"


def sent(shown: DeckPair, number: int = 1, **more: Any) -> dict[str, Any]:
    """What the page sends."""
    return {
        "id": f"{number:032x}", "when": "2026-11-27T14:30:05Z", "who": "ana", "pair": shown.id,
        "preference": "left", "seconds": 1.5, **more,
    }  # fmt: skip


def other(side: str) -> str:
    return "incumbent" if side == "candidate" else "candidate"


def test_the_page_is_served_with_a_strict_policy(client: TestClient, at: str) -> None:
    for name, kind in (("", "html"), ("review.css", "css"), ("review.js", "javascript"),
                       ("tokens.css", "css")):  # fmt: skip
        reply = client.get(f"{at}/{name}")
        assert reply.status_code == 200
        assert kind in reply.headers["content-type"]
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
    page = client.get(f"{at}/").text
    assert "<style" not in page
    assert " style=" not in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("path", ["", "/", "/deck?who=ana", "/wrong/deck?who=ana", "/wrong/"])
def test_without_the_token_nothing_is_told(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 404
    assert reply.text == "open the whole address that the command printed"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_foreign_host_is_refused(client: TestClient, at: str, host: str) -> None:
    assert client.get(f"{at}/deck?who=ana", headers={"Host": host}).status_code == 403


def test_a_foreign_origin_or_another_type_cannot_send(
    client: TestClient, session: Session, at: str
) -> None:
    answer = sent(session.desk.deck.pairs[0])
    strange = client.post(f"{at}/answers", json=answer, headers={"Origin": "https://evil.example"})
    assert strange.status_code == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        body = json.dumps(answer)
        reply = client.post(f"{at}/answers", content=body, headers={"Content-Type": kind})
        assert reply.status_code == 415
    large = client.post(f"{at}/answers", json=answer | {"note": "x" * 70_000})
    assert large.status_code == 413
    assert not session.answers.path.exists()


@pytest.mark.parametrize(
    "path",
    ["image/../../../etc/passwd/left", "..%2f..%2fetc%2fpasswd", "image/%2e%2e/left", "review.py",
     "image/0000000000000000/left", "templates/style.css", "image/{id}/middle", "answers"],
)  # fmt: skip
def test_nothing_else_can_be_fetched(
    client: TestClient, session: Session, at: str, path: str
) -> None:
    known = path.format(id=session.desk.deck.pairs[0].id)
    assert client.get(f"{at}/{known}?who=ana").status_code in (404, 405)


@pytest.mark.parametrize("who", ["", " ana", "a\nb", "x" * 65, "\u200b"])
def test_who_has_a_name(client: TestClient, session: Session, at: str, who: str) -> None:
    assert client.get(f"{at}/deck", params={"who": who}).status_code == 400
    answer = sent(session.desk.deck.pairs[0], who=who)
    assert client.post(f"{at}/answers", json=answer).status_code == 400


def test_nothing_that_is_sent_tells_the_models_apart(
    client: TestClient, session: Session, at: str
) -> None:
    deck = session.desk.deck
    reply = client.get(f"{at}/deck?who=ana")
    told = reply.text + str(reply.headers)
    for pair in deck.pairs:
        for place in ("left", "right"):
            image = client.get(f"{at}/image/{pair.id}/{place}?who=ana")
            told += str(image.headers) + str(image.url)
    keys = [key for pair in deck.pairs for key in (pair.candidate_key, pair.incumbent_key)]
    secrets = ["fast", "prod", "candidate", "incumbent", "broken", "random", "drawn", *keys]
    assert [word for word in secrets if word and word in told] == []


def test_each_person_sees_the_images_where_their_answer_says(
    client: TestClient, session: Session, at: str
) -> None:
    pair = session.desk.deck.pairs[0]
    number = int(pair.prompt_id[1:])
    for who in ("ana", "ben", "cleo", "dan"):
        left = "fast" if pair.left(who) == "candidate" else "prod"
        png = client.get(f"{at}/image/{pair.id}/left", params={"who": who}).content
        assert Image.open(io.BytesIO(png)).tobytes() == draw(left, number, pair.seed).tobytes()


def test_both_images_have_one_size_and_no_metadata(reviewed: Path) -> None:
    store = ImageStore(reviewed / ".imgassets/images")
    for seed in SEEDS:
        store.quarantine(key_of("fast", 3, seed))
        made = {"request": {}, "made_at": "2026-11-27T00:00:00Z"}
        store.put(key_of("fast", 3, seed), draw("fast", 3, seed, side=192), **made)
    session = open_session(load_project(reviewed), "cards", "fast", 500, 0)
    pair = next(p for p in session.desk.deck.pairs if p.prompt_id == "p003")
    for place in ("left", "right"):
        image = Image.open(io.BytesIO(session.desk.picture(pair.id, place, "ana")))  # type: ignore[arg-type]
        assert image.size == (192, 192)
        assert not image.info


def test_left_and_right_become_candidate_and_incumbent(
    client: TestClient, session: Session, at: str
) -> None:
    for number, pair in enumerate(session.desk.deck.pairs[:12], 1):
        said = sent(
            pair, number,
            preference=("left", "right", "equal")[number % 3],
            correct={"left": {"object:star": "no"}, "right": {"background": "yes"}},
            defects={"left": [], "right": ["seam", "text"]}, note=HOSTILE,
        )  # fmt: skip
        assert client.post(f"{at}/answers", json=said).status_code == 201
        kept = session.answers.read().answers[-1]
        left = pair.left("ana")
        chosen = {"left": left, "right": other(left), "equal": "equal"}[said["preference"]]
        assert (kept.preference, kept.left) == (chosen, left)
        assert getattr(kept.correct, left) == {"object:star": "no"}
        assert getattr(kept.correct, other(left)) == {"background": "yes"}
        assert getattr(kept.defects, other(left)) == ("seam", "text")
        assert (kept.candidate_key, kept.why, kept.drawn) == (
            pair.candidate_key, pair.why, pair.drawn
        )  # fmt: skip
        assert kept.note == HOSTILE
    shown = {p["id"]: p["answer"] for p in client.get(f"{at}/deck?who=ana").json()["pairs"]}
    assert shown[session.desk.deck.pairs[1].id]["preference"] == "equal"
    assert shown[session.desk.deck.pairs[0].id]["correct"]["left"] == {"object:star": "no"}
    assert shown[session.desk.deck.pairs[12].id] is None
    assert all(p["answer"] is None for p in client.get(f"{at}/deck?who=ben").json()["pairs"])


def test_a_retry_is_kept_once_and_a_second_answer_corrects(
    client: TestClient, session: Session, at: str
) -> None:
    pair = session.desk.deck.pairs[0]
    for _ in range(3):
        assert client.post(f"{at}/answers", json=sent(pair)).status_code == 201
    client.post(f"{at}/answers", json=sent(pair, 2, preference="equal"))
    client.post(f"{at}/answers", json=sent(pair, 3, who="ben"))
    file = session.answers.read()
    assert [a.revision_of for a in file.answers] == [None, f"{1:032x}", None]
    assert {a.who for a in file.counted} == {"ana", "ben"}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"pair": "0" * 16}, 404),
        ({"preference": "candidate"}, 400),
        ({"preference": None}, 400),
        ({"correct": {"left": {"object:dog": "yes"}, "right": {}}}, 400),
        ({"defects": {"left": ["feet"], "right": []}}, 400),
        ({"id": "short"}, 400),
        ({"seconds": -1}, 400),
        ({"when": "yesterday"}, 400),
        ({"candidate_key": "0" * 64}, 400),
    ],
)
def test_what_is_no_answer_is_refused_with_a_reason(
    client: TestClient, session: Session, at: str, more: dict[str, Any], status: int
) -> None:
    reply = client.post(f"{at}/answers", json=sent(session.desk.deck.pairs[0], **more))
    assert reply.status_code == status
    assert reply.json()["error"].count("\n") == 0
    assert not session.answers.path.exists()


def test_a_file_that_was_harmed_by_hand_takes_no_answer(
    client: TestClient, session: Session, at: str
) -> None:
    pair = session.desk.deck.pairs[0]
    client.post(f"{at}/answers", json=sent(pair))
    session.answers.path.write_text(session.answers.path.read_text() + "oops\n")
    reply = client.post(f"{at}/answers", json=sent(pair, 2))
    assert reply.status_code == 409
    assert "reviews/cards.jsonl:2" in reply.json()["error"]
