"""What one person sees of a deck, and what becomes of what they say: left and right, no models."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from imgassets.documents.answers import (
    MOST_NOTE,
    Answer,
    AnswerId,
    Correct,
    Defect,
    Defects,
    Item,
    Person,
    Seen,
    Side,
)
from imgassets.flows import FIRST, FLOWS
from imgassets.report.thumbnails import open_rgb
from imgassets.review.answer_file import Answers
from imgassets.review.deck import Deck, DeckPair

Place = Literal["left", "right"]
#: Pairs whose pictures are kept at hand.
_KEPT = 32


class SentCorrect(BaseModel):
    """Whether each image shows what was asked, by item."""

    model_config = ConfigDict(extra="forbid")

    left: dict[Item, Seen] = Field(default_factory=dict)
    right: dict[Item, Seen] = Field(default_factory=dict)


class SentDefects(BaseModel):
    """What is wrong with each image."""

    model_config = ConfigDict(extra="forbid")

    left: tuple[Defect, ...] = ()
    right: tuple[Defect, ...] = ()


class Sent(BaseModel):
    """An answer as the page sends it: of images left and right."""

    model_config = ConfigDict(extra="forbid")

    id: AnswerId
    when: AwareDatetime
    who: Person
    pair: str
    preference: Literal["left", "right", "equal"] | None
    correct: SentCorrect = SentCorrect()
    defects: SentDefects = SentDefects()
    note: Annotated[str, Field(max_length=MOST_NOTE)] = ""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class UnknownPairError(LookupError):
    """A pair that is not in the deck."""


class Desk:
    """A deck with its pictures and the answers on it."""

    def __init__(self, deck: Deck, answers: Answers, load: Callable[[str], bytes]) -> None:
        """
        Args:
            deck: the pairs to look at.
            answers: where answers are kept.
            load: PNG bytes of an image key; raises LookupError or OSError where there are none.
        """
        self.deck, self.load, self._answers = deck, load, answers
        self._pictures = lru_cache(_KEPT)(self._drawn)

    def shown(self, who: str) -> dict[str, Any]:
        """All that the page of a person knows, as JSON values."""
        said = {a.pair: a for a in self._answers.read().counted if a.who == who}
        return {
            "endpoint": self.deck.endpoint,
            "pairs": [_shown(pair, who, said.get(_keys(pair))) for pair in self.deck.pairs],
        }

    def picture(self, pair_id: str, place: Place, who: str) -> bytes:
        """PNG of one image of a pair as a person sees it, without any of the file's metadata.

        Both images of a pair have one size, so that neither size nor shape tells the model.

        Raises:
            LookupError: no such pair, or its image is no longer stored.
        """
        pair = self._pair(pair_id)
        side = _side(pair, place, who)
        found = self._pictures(pair).get(side)
        if found is None:
            raise LookupError(f"no image {place} of pair {pair_id}")
        return found

    def add(self, sent: Sent) -> Answer:
        """Keep an answer; one that was kept before is kept once.

        Raises:
            UnknownPairError: the pair is not in the deck.
            ValueError: the answer does not fit the pair, or the file holds a line that is none.
            OSError: it cannot be written.
        """
        pair = self._pair(sent.pair)
        sides = {place: _side(pair, place, sent.who) for place in ("left", "right")}
        items = {item.id for item in pair.items}
        if strange := sorted({*sent.correct.left, *sent.correct.right} - items):
            raise ValueError(f"the pair has no item {strange[0]!r}")
        chosen, alone = sent.preference, pair.incumbent_key is None
        if alone and (sent.correct.right or sent.defects.right):
            raise ValueError("there is no image right")
        if alone != (chosen is None):
            raise ValueError("preference: left, right or equal; null where an image is alone")
        return self._answers.add(
            Answer(
                id=sent.id,
                when=sent.when,
                who=sent.who,
                endpoint=self.deck.endpoint,
                candidate=self.deck.candidate,
                incumbent=self.deck.incumbent if pair.incumbent_key else None,
                flow=pair.flow,
                prompt_id=pair.prompt_id,
                seed=pair.seed,
                candidate_key=pair.candidate_key,
                incumbent_key=pair.incumbent_key,
                left=pair.left(sent.who),
                why=pair.why,
                drawn=pair.drawn,
                preference=sides[chosen] if chosen in ("left", "right") else chosen,
                correct=Correct(**{side: getattr(sent.correct, p) for p, side in sides.items()}),
                defects=Defects(**{side: getattr(sent.defects, p) for p, side in sides.items()}),
                note=sent.note,
                seconds=sent.seconds,
            )
        )

    def answered(self) -> dict[str, int]:
        """How many pairs of the deck each person has answered."""
        keys = {_keys(pair) for pair in self.deck.pairs}
        found: dict[str, int] = {}
        for answer in self._answers.read().counted:
            if answer.pair in keys:
                found[answer.who] = found.get(answer.who, 0) + 1
        return found

    @cached_property
    def _by_id(self) -> Mapping[str, DeckPair]:
        return {pair.id: pair for pair in self.deck.pairs}

    def _pair(self, pair_id: str) -> DeckPair:
        try:
            return self._by_id[pair_id]
        except KeyError:
            raise UnknownPairError("this pair is not among those shown now") from None

    def _drawn(self, pair: DeckPair) -> dict[Side, bytes]:
        keys: dict[Side, str | None] = {
            "candidate": pair.candidate_key,
            "incumbent": pair.incumbent_key,
        }
        opened = {side: open_rgb(self.load, key) for side, key in keys.items() if key}
        there = {side: image for side, image in opened.items() if image is not None}
        if not there:
            return {}
        size = max((image.size for image in there.values()), key=lambda size: size[0] * size[1])
        return {side: _png(image, size) for side, image in there.items()}


def _keys(pair: DeckPair) -> tuple[str, str | None]:
    return pair.candidate_key, pair.incumbent_key


def _side(pair: DeckPair, place: str, who: str) -> Side:
    left = pair.left(who)
    return left if place == "left" else "incumbent" if left == "candidate" else "candidate"


def _shown(pair: DeckPair, who: str, said: Answer | None) -> dict[str, Any]:
    """Nothing in here tells the models apart, or why the pair is shown."""
    return {
        "id": pair.id,
        "prompt": pair.prompt,
        "made": "" if pair.flow == FIRST else FLOWS[pair.flow].delivered,
        "items": [{"id": item.id, "words": item.words} for item in pair.items],
        "alone": pair.incumbent_key is None,
        "answer": None if said is None else _said(pair, who, said),
    }


def _said(pair: DeckPair, who: str, said: Answer) -> dict[str, Any]:
    """What a person said, of left and right as they see them now."""
    sides = {place: _side(pair, place, who) for place in ("left", "right")}
    places: dict[str | None, str] = {side: place for place, side in sides.items()}
    return {
        "preference": places.get(said.preference, said.preference),
        "correct": {place: getattr(said.correct, side) for place, side in sides.items()},
        "defects": {place: list(getattr(said.defects, side)) for place, side in sides.items()},
        "note": said.note,
    }


def _png(image: Image.Image, size: tuple[int, int]) -> bytes:
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)  # read once, by a browser on this machine
    return buffer.getvalue()
