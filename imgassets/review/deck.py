"""Which pairs of images people look at: those that the verdict points at, and a random sample.

The sample is drawn from all pairs, whatever points at them, so it may estimate what people think of
the model. Pairs that are in for a reason alone estimate nothing: they were chosen because they look
bad. Both stand in one random order, so nobody sees which is which.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from imgassets.documents.answers import Side
from imgassets.documents.contract import Endpoint
from imgassets.documents.drawing import draw
from imgassets.documents.prompts import Prompt
from imgassets.flows import FIRST, FlowName
from imgassets.metrics.families import METRICS
from imgassets.review.items import Item, asked, expected, items_of
from imgassets.review.reasons import Place, Reason

if TYPE_CHECKING:
    import pandas as pd

#: Pairs that are shown for a reason alone, at most; each reason gives one in turn. Those that a
#: review needs are shown whatever their number.
MOST_FOR_REASONS = 24
RANDOM = "random"


@dataclass(frozen=True)
class DeckPair:
    """One request as both models answered it.

    Attributes:
        flow, prompt_id, seed: which request.
        candidate_key, incumbent_key: image keys; no incumbent where an image is shown alone.
        prompt: what was asked for.
        items: what must be seen.
        why: `random`, or in words why it is shown.
        drawn: whether it is in the random sample.
    """

    flow: FlowName
    prompt_id: str
    seed: int
    candidate_key: str
    incumbent_key: str | None
    prompt: str
    items: tuple[Item, ...]
    why: str
    drawn: bool

    @property
    def id(self) -> str:
        """What the page calls it; says nothing of who made which image."""
        keys = f"{self.candidate_key}/{self.incumbent_key}"
        return hashlib.sha256(keys.encode()).hexdigest()[:16]

    def left(self, who: str) -> Side:
        """Whose image a person sees left: a coin for each person and pair, the same ever after."""
        if self.incumbent_key is None:
            return "candidate"
        return "candidate" if int(draw(0, "left", who, self.id)[0], 16) < 8 else "incumbent"


@dataclass(frozen=True)
class Deck:
    """The pairs of one comparison, in the order they are shown.

    Attributes:
        endpoint, candidate, incumbent: names; no incumbent where production itself is looked at.
        pairs: to look at.
        population: how many pairs the sample is drawn from.
        gone: pairs that are left out since an image of theirs is no longer stored.
    """

    endpoint: str
    candidate: str
    incumbent: str | None
    pairs: tuple[DeckPair, ...]
    population: int
    gone: int = 0

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Why pairs are in, each reason with its number of pairs; the random sample first."""
        drawn = sum(pair.drawn for pair in self.pairs)
        return [(RANDOM, drawn), *Counter(p.why for p in self.pairs if p.why != RANDOM).items()]


def build_deck(
    contract: Endpoint,
    candidate: str,
    images: pd.DataFrame,
    reasons: Sequence[Reason],
    prompts: Iterable[Prompt],
    *,
    sample: int,
    seed: int,
    stored: Any = lambda _: True,
) -> Deck:
    """The deck of a candidate.

    Args:
        contract: of the endpoint.
        candidate: model that is judged.
        images: from `report.pairs.joined_images`.
        reasons: which requests the verdict points at (`review.reasons`), the surest first.
        prompts: all prompts of the endpoint.
        sample: pairs to draw for each flow that is sampled; all there are, where they are fewer.
        seed: another one draws others. A larger sample holds a smaller one.
        stored: whether an image key is in the store.
    """
    alone = candidate == contract.incumbent
    found = dict(_usable(images, alone))
    there = {place: keys for place, keys in found.items() if all(map(stored, filter(None, keys)))}
    whole = [place for place, (_, incumbent) in there.items() if alone or incumbent]
    drawn = {
        place
        for flow in sampled_flows(contract)
        for place in _sample(contract.endpoint, whole, flow, sample, seed)
    }
    why = dict(_in_turn(reasons, there))
    by_id = {prompt.id: prompt for prompt in prompts}
    pairs = [
        _pair(
            contract, by_id[place[1]], place, there[place], why.get(place, RANDOM), place in drawn
        )
        for place in {**dict.fromkeys(drawn), **why}
        if place[1] in by_id
    ]
    return Deck(
        contract.endpoint,
        candidate,
        None if alone else contract.incumbent,
        tuple(sorted(pairs, key=lambda pair: draw(seed, "order", pair.id))),
        sum(place[0] in sampled_flows(contract) for place in whole),
        len(found) - len(there),
    )


def sampled_flows(contract: Endpoint) -> list[FlowName]:
    """The flows whose criteria ask people; the first flow where none does."""
    asking = [c.flow for c in contract.all_criteria if _asks_people(c.metric)]
    return list(dict.fromkeys(asking)) or [FIRST]


def _asks_people(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].family == "review"


def _usable(images: pd.DataFrame, alone: bool) -> Iterator[tuple[Place, tuple[str, str | None]]]:
    """Keys of the images that are there, by request; of replicates the first."""
    there = images[images["status"] == "ok"].drop_duplicates(["flow", "prompt_id", "seed"])
    columns = ["flow", "prompt_id", "seed", "image_key", "image_key_incumbent", "status_incumbent"]
    for flow, prompt, seed, key, other, status in there[columns].itertuples(index=False, name=None):
        incumbent = str(other) if status == "ok" and not alone else None
        yield (str(flow), str(prompt), int(seed)), (str(key), incumbent)


def _sample(
    endpoint: str, places: Sequence[Place], flow: FlowName, count: int, seed: int
) -> list[Place]:
    """Prompts are drawn as `label-sample` draws them; every prompt once before any comes twice."""
    by_prompt: dict[str, list[Place]] = {}
    for place in places:
        if place[0] == flow:
            by_prompt.setdefault(place[1], []).append(place)
    rounds = zip_longest(
        *(
            sorted(by_prompt[name], key=lambda place: draw(seed, *map(str, place)))
            for name in sorted(by_prompt, key=lambda name: draw(seed, endpoint, name))
        )
    )
    return [place for one in rounds for place in one if place is not None][:count]


def _in_turn(reasons: Sequence[Reason], there: Iterable[Place]) -> Iterator[tuple[Place, str]]:
    """The first request of each reason, then the second, up to the most; each once."""
    known = set(there)
    seen: dict[Place, str] = {}
    for number, rank in enumerate(zip_longest(*(reason.places for reason in reasons))):
        for reason, place in zip(reasons, rank, strict=True):
            if place not in known or place in seen:
                continue
            if number < reason.needed or len(seen) < MOST_FOR_REASONS:
                seen[place] = reason.words
                yield place, reason.words


def _pair(
    contract: Endpoint,
    prompt: Prompt,
    place: Place,
    keys: tuple[str, str | None],
    why: str,
    drawn: bool,
) -> DeckPair:
    flow = cast(FlowName, place[0])
    items = items_of(expected(contract, flow, prompt))
    shown = asked(contract, flow, prompt)
    return DeckPair(flow, prompt.id, place[2], *keys, shown, items, why, drawn)
