"""One run of `imgassets review`: the deck of a candidate, its pictures, where answers go."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Project
from imgassets.drift.findings import DriftFile
from imgassets.report.pairs import joined_images
from imgassets.review.answer_file import Answers
from imgassets.review.deck import RANDOM, Deck, build_deck
from imgassets.review.desk import Desk
from imgassets.review.enough import enough_pairs
from imgassets.review.reasons import reasons_of
from imgassets.review.stored import branch_of, stored_measured, stored_verdict
from imgassets.storage.image_store import store_of
from imgassets.storage.ownership import ready_home
from imgassets.storage.project_home import ProjectHome


@dataclass(frozen=True)
class Session:
    """What the page is served from.

    Attributes:
        desk: the deck and its answers.
        answers: the file of answers.
        token: part of the address; the same as long as the project's home is there, so that an
            open page goes on after the server was started again.
        words: what is shown and why, before anybody begins.
    """

    desk: Desk
    answers: Answers
    token: str
    words: tuple[str, ...]

    def address(self, host: str, port: int, who: str) -> str:
        """What to open in a browser."""
        return f"http://{host}:{port}/{self.token}/" + (f"?who={quote(who)}" if who else "")


def open_session(
    project: Project, endpoint: str, model: str, pairs: int | None, seed: int
) -> Session:
    """Choose the pairs from what the last `imgassets validate` left.

    Args:
        project: the documents.
        endpoint, model: whose verdict.
        pairs: to draw at random; as many as are enough where it is None.
        seed: of the sample.

    Raises:
        LookupError: no such endpoint or model, or it was not validated yet.
        InvalidDocumentsError: the file of answers holds a line that is none.
        ValueError: there is no pair to look at.
    """
    contract = branch_of(project, endpoint, model)
    home = ready_home(project.root)
    answers = Answers(project.root, endpoint)
    file = answers.read()
    enough = enough_pairs(contract, model)
    deck, verdict = _deck(project, contract, home, model, pairs or enough.pairs, seed)
    desk = Desk(deck, answers, store_of(home).read_bytes)
    said = f"answers: {file.file}, {len(file.counted)} of them there already"
    words = (verdict, *enough.words, *_told(deck), *map(str, file.warnings), said)
    return Session(desk, answers, _token(home.review_token), words)


def _deck(
    project: Project, contract: Endpoint, home: ProjectHome, model: str, pairs: int, seed: int
) -> tuple[Deck, str]:
    endpoint, alone = contract.endpoint, model == contract.incumbent
    verdict = stored_verdict(home, endpoint, model)
    candidate = stored_measured(home, contract, model)
    incumbent = None if alone else stored_measured(home, contract, contract.incumbent)
    drift = DriftFile.of(project.root)
    drifts = {m: drift.read(endpoint, m) for m in dict.fromkeys((model, contract.incumbent))}
    deck = build_deck(
        contract,
        model,
        joined_images(candidate, incumbent),
        reasons_of(contract, verdict, candidate, incumbent, drifts),
        [prompt for prompts in project.prompts_of(contract) for prompt in prompts.prompts],
        sample=pairs,
        seed=seed,
        stored=store_of(home).has,
    )
    if not deck.pairs:
        raise ValueError(f"{endpoint}/{model}: no image is there to look at")
    return deck, f"{endpoint}/{model}: {verdict.sentence}"


def _told(deck: Deck) -> Iterator[str]:
    """Why each group of pairs is in."""
    yield f"{len(deck.pairs)} pairs to look at:"
    for why, count in deck.groups:
        if why == RANDOM:
            yield (
                f"  {count:>4}  drawn at random from {deck.population}; these alone estimate what "
                "people think"
            )
        else:
            yield f"  {count:>4}  {why}"
    if deck.gone:
        yield f"{deck.gone} pairs are left out: their images are no longer stored"


def _token(path: Path) -> str:
    """Kept for this user alone; made anew where it is missing or torn."""
    if path.is_file() and len(known := path.read_text(encoding="ascii")) == len(_new()):
        return known
    path.unlink(missing_ok=True)
    token = _new()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    return token


def _new() -> str:
    return secrets.token_urlsafe(32)
