"""Quality of the embedded models on prompts that training never saw.

`python -m imgassets_tests.benchmarks.tiny_quality --out docs/tiny_models.md` makes the images by
the product's own backend with the settings of `contracts/models/`, judges them with the product's
own metrics, and writes the page. Prompts are drawn from the held-out part of the scene space
(`scenes.is_held_out`); where that part is small (single objects, counts) prompts repeat with other
seeds. Intervals are 95 % Wilson over images.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgassets.backends.registry import open_backend
from imgassets.decision.statistics import wilson_interval
from imgassets.documents.contract import Returns
from imgassets.documents.project import load_project
from imgassets.documents.prompts import Expectation
from imgassets.metrics.formulas import composition, typography
from imgassets.tiny.scenes import Scene, Task, sample_scene

ROOT = Path(__file__).parents[2]
BARS = {
    "single object (shape, color, size)": 0.95,
    "two objects with their relation": 0.80,
    "counts": 0.80,
    "large text, exact": 0.60,
}


@dataclass(frozen=True)
class Group:
    """One kind of prompt, and the metrics that must all be 1 for an image to be right."""

    name: str
    task: Task
    size: str | None
    metrics: tuple[str, ...]


GROUPS = (
    Group(
        "single object (shape, color, size)",
        "single_object",
        None,
        ("composition.correct", "composition.size"),
    ),
    Group("two objects with their relation", "position", None, ("composition.correct",)),
    Group("counts", "counting", None, ("composition.correct",)),
    Group("large text, exact", "text", "large", ("typography.exact",)),
    Group("small text, exact", "text", "small", ("typography.exact",)),
)


def draw(group: Group, count: int, seed: int) -> list[Scene]:
    """Held-out scenes of a group."""
    rng = random.Random(f"{seed} {group.name}")
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = sample_scene(rng, group.task, held_out=True)
        if group.size in (None, scene.size_word):
            scenes.append(scene)
    return scenes


def expectation(scene: Scene) -> Expectation:
    """What the product must find in an image of the scene."""
    wanted = scene.expectation()
    if scene.text is not None:
        return Expectation(text=wanted["text"])
    return Expectation.model_validate({k: wanted[k] for k in ("include", "exclude")})


def right(image: np.ndarray, scene: Scene, metrics: tuple[str, ...]) -> bool:
    """Whether all metrics of the group are 1."""
    wanted = expectation(scene)
    scores = [*composition.score(image, wanted), *typography.score(image, wanted)]
    return all(s.value == 1.0 for s in scores if s.metric in metrics)


def inputs(model: str, scene: Scene, seed: int, returns: Returns) -> dict[str, object]:
    """A request's inputs, as far as the backend reads them."""
    sampling = load_project(ROOT).model(model).sampling.model_dump()
    return {
        "prompt": scene.prompt,
        "negative_prompt": "",
        "size": list(returns.size),
        "sampling": sampling,
        "seed": seed,
    }


def measure(
    model: str, per_group: int, seed: int, show: Callable[[str], None]
) -> tuple[dict[str, tuple[int, int]], float]:
    """(right, total) by group, and the median seconds an image."""
    project = load_project(ROOT)
    backend = open_backend(project.root, project.model(model), "cpu")
    returns = Returns(size=(96, 96))
    found, seconds = {}, []
    for group in GROUPS:
        scenes = draw(group, per_group, seed)
        asked = [inputs(model, s, 10_000 + i, returns) for i, s in enumerate(scenes)]
        outcomes = backend.generate(asked)
        seconds += [o.seconds for o in outcomes[1:]]
        hits = sum(
            right(np.asarray(o.image), s, group.metrics)
            for o, s in zip(outcomes, scenes, strict=True)
        )
        found[group.name] = (hits, len(scenes))
        show(f"{model}: {group.name}: {hits}/{len(scenes)}")
    return found, float(np.median(seconds))


def page(results: dict[str, tuple[dict[str, tuple[int, int]], float]], per_group: int) -> str:
    """The table of the page."""
    models = list(results)
    lines = [
        f"| held-out prompts ({per_group} images each) | bar | " + " | ".join(models) + " |",
        "|---" * (len(models) + 2) + "|",
    ]
    for group in GROUPS:
        cells = []
        for model in models:
            hits, total = results[model][0][group.name]
            low, high = wilson_interval(hits / total, total, quantile=1.96)
            cells.append(f"{hits / total:.1%} ({low:.0%} to {high:.0%})")
        bar = f"{BARS[group.name]:.0%}" if group.name in BARS else "none"
        lines.append(f"| {group.name} | {bar} | " + " | ".join(cells) + " |")
    speeds = [f"{results[m][1] * 1000:.0f} ms" for m in models]
    lines.append("| median time an image, in a batch | | " + " | ".join(speeds) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print progress, write the page between its markers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "tiny_models.md")
    parser.add_argument("--per-group", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--models", nargs="+", default=["tiny-base", "tiny-turbo"])
    options = parser.parse_args()
    start = time.perf_counter()
    results = {
        m: measure(m, options.per_group, options.seed, lambda line: print(line, flush=True))
        for m in options.models
    }
    begin, end = "<!-- measured -->", "<!-- /measured -->"
    table = page(results, options.per_group)
    text = options.out.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    options.out.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
    print(table)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
