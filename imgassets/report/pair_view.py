"""Image pairs for the templates: pictures inlined within a budget, and their requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgassets.decision.formatting import amount, unit_of
from imgassets.decision.names import title_of
from imgassets.flows import label
from imgassets.metrics.families import METRICS
from imgassets.report.inputs import ImagePair, Load
from imgassets.report.thumbnails import (
    GAIN,
    JUDGED_SIDE,
    LONGEST_SIDE,
    Picture,
    difference,
    open_rgb,
    picture,
)

#: Longest text of one reason and one request in the page, in characters.
MAX_REASON = 1_500
MAX_PROMPT = 300
MAX_REQUEST = 8_000
_HEADLINES = {
    "failed": "No usable image",
    "worst": "Lost most",
    "changed": "Changed most",
}


@dataclass(frozen=True)
class Side:
    """One of the three pictures of a pair."""

    role: str
    name: str
    caption: str
    alt: str
    picture: Picture | None
    reason: str = ""


@dataclass(frozen=True)
class PairView:
    """One pair: headline, pictures, and the requests that made them.

    `tells` where it is shown for what decided.
    """

    headline: str
    request: str
    prompt: str
    sides: tuple[Side, ...]
    requests: tuple[tuple[str, str, str], ...]
    tells: bool = False

    @property
    def size(self) -> int:
        """Characters its pictures take in the page."""
        return sum(len(s.picture.uri) for s in self.sides if s.picture is not None)


def pair_views(
    pairs: Sequence[ImagePair],
    names: tuple[str, str],
    load: Load | None,
    requests: Mapping[str, Mapping[str, Any]],
    budget: int,
) -> tuple[list[PairView], int]:
    """Views of the pairs that fit `budget` characters, and how many had to be left out.

    Arguments: `names` of incumbent and candidate.
    """
    shown: list[PairView] = []
    spent = 0
    for pair in pairs:
        view = _pair_view(pair, names, load, requests)
        cost = view.size + sum(len(text) for _, _, text in view.requests)
        if spent + cost > budget:
            break
        shown.append(view)
        spent += cost
    return shown, len(pairs) - len(shown)


def shortened(text: str, limit: int) -> str:
    """The text, cut to `limit` characters with a note where it was longer."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} \u2026 ({len(text) - limit:,} more characters)"


def _pair_view(
    pair: ImagePair,
    names: tuple[str, str],
    load: Load | None,
    requests: Mapping[str, Mapping[str, Any]],
) -> PairView:
    what = f"prompt {pair.prompt_id}, seed {pair.seed}"
    if pair.replicate:
        what += f", replicate {pair.replicate}"
    if label(pair.flow):
        what += f", {label(pair.flow)}"
    headline = _HEADLINES[pair.kind]
    if pair.kind == "worst" and pair.incumbent_key is None:
        headline = "Low score"
    if pair.metric:
        headline += f" \u00b7 {title_of(pair.metric)}"
    keys = [(_role(pair), names[1], pair.candidate_key)]
    if pair.incumbent_key is not None:
        keys.insert(0, ("incumbent", names[0], pair.incumbent_key))
    return PairView(
        headline=headline,
        request=what,
        prompt=_prompt_of(requests.get(pair.candidate_key)),
        sides=_sides(pair, names, load, what),
        requests=tuple(
            (role, name, _request_text(requests.get(key), key)) for role, name, key in keys
        ),
        tells=pair.tells,
    )


def _sides(
    pair: ImagePair, names: tuple[str, str], load: Load | None, what: str
) -> tuple[Side, ...]:
    ours = None if load is None else open_rgb(load, pair.candidate_key)
    theirs = None
    if load is not None and pair.incumbent_key is not None:
        theirs = open_rgb(load, pair.incumbent_key)
    longest = JUDGED_SIDE if pair.tells else LONGEST_SIDE
    scores = [_score(pair.metric, v) for v in (pair.incumbent_value, pair.candidate_value)]
    role = _role(pair)
    candidate = Side(
        role, names[1], scores[1], f"Image by {role} {names[1]} for {what}",
        None if ours is None else picture(ours, longest), shortened(pair.reason, MAX_REASON),
    )  # fmt: skip
    if pair.incumbent_key is None:
        return (candidate,)
    incumbent = Side(
        "incumbent", names[0], scores[0], f"Image by incumbent {names[0]} for {what}",
        None if theirs is None else picture(theirs, longest),
        shortened(pair.incumbent_reason, MAX_REASON),
    )  # fmt: skip
    if ours is None or theirs is None:
        return (incumbent, candidate)
    shown, change = difference(theirs, ours)
    resized = "" if ours.size == theirs.size else ", candidate resized"
    return (
        incumbent,
        candidate,
        Side(
            "difference",
            f"\u00d7{GAIN}",
            f"mean change {change:.1f} of 255{resized}",
            f"Difference of the two images, white where they differ; mean change {change:.1f}",
            picture(shown, longest),
        ),
    )


def _role(pair: ImagePair) -> str:
    return "production" if pair.incumbent_key is None else "candidate"


def _score(metric: str, value: float | None) -> str:
    if not metric or value is None:
        return ""
    if unit_of(metric) == "share" and value in (0.0, 1.0):
        best = 1.0 if METRICS[metric].direction == "higher" else 0.0
        return "right" if value == best else "wrong"
    return amount(value, unit_of(metric))


def _prompt_of(request: Mapping[str, Any] | None) -> str:
    """Its own, or that of the image an upscale starts from."""
    request = request or {}
    prompt = request.get("prompt", request.get("source_request", {}).get("prompt"))
    return shortened(prompt, MAX_PROMPT) if isinstance(prompt, str) else ""


def _request_text(request: Mapping[str, Any] | None, key: str) -> str:
    if request is None:
        return f"image key {key} (its request was not passed to the report)"
    text = json.dumps({"image_key": key, **request}, indent=2, ensure_ascii=False, default=str)
    return shortened(text, MAX_REQUEST)
