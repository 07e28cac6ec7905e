"""Made-up measurements with known truths, for the tests of decision and report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from imgassets.decision import Measured
from imgassets.documents.contract import Endpoint

ENDPOINT = "hero-banner"
BASE, NEW = "tiny-base", "tiny-new"
#: Image seeds are below this.
MOST_SEEDS = 16
#: (prompt number, seed) to a value, or None for a failed image.
Scores = Callable[[int, int], float | None]


def endpoint(
    criteria: Sequence[Mapping[str, Any]] = (), seeds: Sequence[int] = (1, 2), **more: Any
) -> Endpoint:
    """A contract with these criteria (a lenient one where none is given)."""
    return Endpoint.model_validate(
        {
            "endpoint": ENDPOINT,
            "accepts": {"max_prompt_chars": 200, "sizes": [[64, 64]]},
            "returns": {"size": [64, 64]},
            "flows": ["generate", "edit"],
            "sampling": {"seeds": list(seeds)},
            "prompt_sets": ["shapes"],
            "incumbent": BASE,
            "candidates": [NEW],
            "criteria": list(criteria) or [{"metric": "typography.ned", "floor": 0.0}],
            **more,
        }
    )


def measured(
    model: str,
    metrics: Mapping[str, Scores],
    prompts: Iterable[int],
    seeds: Sequence[int] = (1, 2),
    *,
    flow: str = "generate",
    failed: Mapping[tuple[int, int], str] | None = None,
) -> Measured:
    """Tables of one model; `failed` gives the failure mode of (prompt number, seed)."""
    failed = failed or {}
    rows, images = [], []
    for prompt in prompts:
        for seed in seeds:
            who = {
                "endpoint": ENDPOINT,
                "model": model,
                "flow": flow,
                "prompt_id": f"p{prompt:04d}",
                "seed": seed,
                "replicate": 0,
                "image_key": f"{model}-{prompt}-{seed}",
            }
            mode = failed.get((prompt, seed))
            message = "" if mode is None else f"{mode} on p{prompt:04d}"
            images.append(who | {"status": mode or "ok", "message": message})
            for metric, score in metrics.items():
                value = None if mode else score(prompt, seed)
                missing = np.nan if value is None else value
                rows.append(who | {"metric": metric, "value": missing, "reason": f"{metric}!"})
    return Measured(model, pd.DataFrame(rows), pd.DataFrame(images))


def pattern(*values: float) -> Scores:
    """Prompt after prompt, the same for every seed."""
    return lambda prompt, seed: values[prompt % len(values)]


def coin(rate: float, seed: int, concentration: float = 2.0) -> Scores:
    """0/1 scores with mean `rate`; each prompt has its own difficulty (beta distributed)."""

    @cache
    def prompt_scores(prompt: int) -> np.ndarray:
        rng = np.random.default_rng([seed, prompt])
        level = rng.beta(rate * concentration, (1 - rate) * concentration)
        return (rng.random(MOST_SEEDS) < level).astype(float)

    return lambda p, s: float(prompt_scores(p)[s])


def noisy(mean: float, sd: float, seed: int) -> Scores:
    """Normal scores around `mean`, independent between images."""

    @cache
    def prompt_scores(prompt: int) -> np.ndarray:
        return np.random.default_rng([seed, prompt]).normal(mean, sd, MOST_SEEDS)

    return lambda p, s: float(prompt_scores(p)[s])
