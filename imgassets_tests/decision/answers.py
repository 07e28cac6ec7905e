"""Made-up answers of people on the pairs of `factories.measured`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from imgassets.decision import Measured
from imgassets.documents.answers import Answer
from imgassets_tests.decision.factories import BASE, ENDPOINT, NEW

#: What a person says of a prompt's pair, as fields of an answer.
Says = Callable[[int], Mapping[str, Any]]


def key(image: str) -> str:
    """A key that is a hash, as answers need, of one that `factories` makes."""
    return hashlib.sha256(image.encode()).hexdigest()


def with_keys(measured: Measured) -> Measured:
    """The same tables with image keys that are hashes."""

    def hashed(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(image_key=table["image_key"].map(key))

    return Measured(measured.model, hashed(measured.rows), hashed(measured.images))


def answer(prompt: int, seed: int = 1, who: str = "ana", **more: Any) -> Answer:
    """An answer on the pair of one prompt and seed: equal, drawn, without a defect."""
    said = {
        "id": hashlib.sha256(f"{prompt}/{seed}/{who}/{more}".encode()).hexdigest()[:32],
        "when": "2026-11-27T12:00:00Z",
        "who": who,
        "endpoint": ENDPOINT,
        "candidate": NEW,
        "incumbent": BASE,
        "flow": "generate",
        "prompt_id": f"p{prompt:04d}",
        "seed": seed,
        "candidate_key": key(f"{NEW}-{prompt}-{seed}"),
        "incumbent_key": key(f"{BASE}-{prompt}-{seed}"),
        "left": "candidate",
        "why": "random",
        "drawn": True,
        "preference": "equal",
        "seconds": 3.0,
    }
    return Answer.model_validate(said | more)


def answers(prompts: Iterable[int], says: Says = lambda _: {}, who: str = "ana") -> list[Answer]:
    """One answer a prompt."""
    return [answer(prompt, who=who, **says(prompt)) for prompt in prompts]
