"""A made-up but realistic report: four models at one endpoint, drawn images, every verdict."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from imgassets.decision import Measured, compare, decide
from imgassets.decision.matrix import cost_quality_matrix
from imgassets.documents.contract import Endpoint
from imgassets.documents.price import Price
from imgassets.report.inputs import ImagePair, ReportInput
from imgassets.report.pairs import deciding, passed_margins, select_pairs
from imgassets_tests.decision.factories import BASE, Scores, coin, endpoint, measured, noisy

SEEDS = (1, 2, 3, 4)
#: From this many prompts on, the pairs that changed most are chosen as well.
LOOKED_AT = 100
CRITERIA = (
    {"metric": "composition.correct", "floor": 0.6, "margin": 0.1},
    {"metric": "composition.size", "margin": 0.1},
    {"metric": "typography.exact", "margin": 0.1},
    {"metric": "typography.ned", "floor": 0.7, "severity": "warning"},
    {"metric": "cost.peak_memory", "margin": 200, "severity": "warning"},
)
#: name: (composition, typography, seconds, usd, failures)
MODELS: dict[str, tuple[float, float, float, float, dict[tuple[int, int], str]]] = {
    BASE: (0.84, 0.72, 0.9, 0.021, {}),
    "tiny-new": (0.93, 0.80, 0.7, 0.016, {(7, 2): "out_of_memory"}),
    "tiny-turbo": (
        0.86,
        0.31,
        0.22,
        0.004,
        {(3, 1): "blank", (3, 2): "blank", (9, 4): "non_finite"},
    ),
    "tiny-detail": (0.79, 0.71, 1.4, 0.035, {}),
    "hosted-three": (0.95, 0.82, 1.1, 0.03, {}),
}


PRICE = Price(usd_per_hour=3.2, source="a made-up price list", as_of=date(2026, 11, 24))
REPEATED = [
    {"flow": "generate", "how": how, "images": 4, "identical": same, "within": 4 - same - off,
     "different": off, "max_difference": 60 * off + 4 - same, "failed": 0, "device": "cpu"}
    for how, same, off in (("again", 4, 0), ("in reverse order", 3, 0), ("one alone", 1, 1))
]  # fmt: skip


def similarity(mean: float) -> Scores:
    """Scores around `mean` within 0..1."""
    score = noisy(mean, 0.1, 7)
    return lambda p, s: min(1.0, max(0.0, score(p, s)))


def contract(**more: Any) -> Endpoint:
    """The contract the made-up models are held to."""
    return endpoint(
        CRITERIA,
        SEEDS,
        description="Scenes of shapes with a headline, for the banner of the start page.",
        candidates=[m for m in MODELS if m != BASE],
        budget={"usd_per_image": 0.05, "seconds_per_image": 1.6, "worst_seconds": 3},
        traffic={"busiest_hour": 900, "workers": 1, "batch": 4, "per_month": {"generate": 90_000}},
        failure_modes=[{"mode": "out_of_memory", "max_rate": 0.06}],
        review={
            "near": [{"metric": "composition.correct", "within": 0.001}],
            "disagree": [{"metrics": ["composition.correct", "composition.size"], "max_rate": 0.9}],
        },
        **more,
    )


def results(prompts: int = 120) -> dict[str, Measured]:
    """Measurements of every model on the same prompts and seeds."""
    found = {}
    for number, (name, (shapes, text, seconds, usd, failed)) in enumerate(MODELS.items()):
        scores = {
            "composition.correct": coin(shapes, number),
            "composition.size": coin(0.9, number + 10),
            "typography.exact": coin(text, number + 20),
            "typography.ned": similarity(text + 0.1),
            "cost.seconds": noisy(seconds, 0.08, number + 30),
            "cost.usd": lambda p, s, u=usd: u,
            "cost.peak_memory": noisy(900 + 300 * seconds, 10, number + 40),
        }
        found[name] = measured(name, scores, range(prompts), SEEDS, failed=failed)
    return found


@lru_cache(maxsize=4096)
def draw(key: str, size: int = 64) -> bytes:
    """PNG bytes of a scene that depends on the key; another model draws it a little differently."""
    model, prompt, seed = key.rsplit("-", 2)
    shared = np.random.default_rng([int(prompt), int(seed)])
    own = np.random.default_rng([*model.encode(), int(prompt), int(seed)])
    ground = tuple(int(v) for v in shared.integers(190, 250, 3))
    image = Image.new("RGB", (size, size), ground)
    pen = ImageDraw.Draw(image)
    for _ in range(3):
        x, y = shared.integers(4, size - 24, 2) + own.integers(-3, 4, 2)
        color = tuple(int(v) for v in shared.integers(20, 200, 3))
        box = [int(x), int(y), int(x + size * 0.3), int(y + size * 0.3)]
        pen.ellipse(box, fill=color) if shared.random() < 0.5 else pen.rectangle(box, fill=color)
    pen.text((6, size - 16), "SALE" if own.random() < 0.7 else "SAIE", fill=(10, 10, 10))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def request(key: str) -> dict[str, Any]:
    """The full request of an image key."""
    model, prompt, seed = key.rsplit("-", 2)
    return {
        "model": model, "pipeline": "StableDiffusion3Pipeline", "steps": 20,
        "scheduler": {"class": "FlowMatchEulerDiscreteScheduler", "shift": 3.0},
        "guidance_scale": 4.5, "width": 64, "height": 64, "seed": int(seed),
        "prompt": f"two red circles left of a blue square, the word SALE (no. {prompt})",
        "dtype": "float32", "torch": "2.13.0", "diffusers": "0.42.0",
    }  # fmt: skip


def report_input(
    models: Sequence[str] = tuple(MODELS), prompts: int = 120, size: int = 64
) -> ReportInput:
    """A complete report on these models."""
    contract_ = contract()
    found = results(prompts)

    def load(key: str) -> bytes:
        return draw(key, size)

    comparisons, verdicts, pairs = {}, [], {}
    for name in models:
        seen = load if prompts >= LOOKED_AT else None  # looking at all pixels takes time
        rival = None if name == BASE else found[BASE]
        comparisons[name] = compare(contract_, found[name], rival)
        review = ["same request, other pixels in 3 of 480 images since last week"]
        verdicts.append(decide(comparisons[name], review if name.startswith("hosted") else ()))
        about = deciding(verdicts[-1])
        pairs[name] = select_pairs(
            contract_, found[name], rival,
            about=about, passed=passed_margins(verdicts[-1]), load=seen,
        )  # fmt: skip
    return ReportInput(
        endpoint=contract_,
        verdicts=verdicts,
        comparisons=comparisons,
        pairs=pairs,
        load=load,
        requests={k: request(k) for name in models for k in keys(pairs[name])},
        images={name: found[name].images for name in models},
        provenance={
            "commit": "3ab01bd4c0ffee", "endpoint": {"criteria": "9f2c" * 16},
            "models": {name: {"generator": f"{i}a7e" * 16} for i, name in enumerate(models)},
            "libraries": {"imgassets": "0.1.0", "torch": "2.13.0", "diffusers": "0.42.0"},
            "device": "cpu",
        },
        matrix=cost_quality_matrix(contract_, {m: found[m] for m in models}, comparisons),
        prices=dict.fromkeys(models, PRICE),
        repetitions={models[0]: REPEATED},
        created="2026-11-24 06:40 UTC",
    )  # fmt: skip


def keys(pairs: Sequence[ImagePair]) -> list[str]:
    """All image keys of these pairs."""
    both = [k for p in pairs for k in (p.candidate_key, p.incumbent_key)]
    return [k for k in both if k is not None]
