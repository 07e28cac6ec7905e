"""Measures verdicts corrected by people's labels, and writes docs/measurements/people.md.

    python -m imgassets_tests.benchmarks.people_simulation [--runs 5000] [--hostile-runs 2000]

Made-up people and a made-up judge that is wrong in another way for each of the two models. Seeds of
a prompt resemble each other (intra-prompt correlation about .5), both in what people say and in
where the judge is wrong; hard prompts are hard for both models. The bounds are those of the
product. Only runs whose estimate is far from the truth are asked for their bounds: the others
cover, since no bound is nearer than `nearest`.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special

from imgassets.decision.people import Corrected
from imgassets.decision.statistics import Estimate
from imgassets_tests.benchmarks.pages import table

PAGE = Path(__file__).parents[2] / "docs/measurements/people.md"
Floats = np.ndarray
Rng = np.random.Generator
RIGHT = (0.6, 0.8, 0.95)
SIZES = ((100, 30), (200, 60), (400, 100))
SEEDS = (1, 4)
#: What people say is right, of (candidate, incumbent); continuous scores are Beta(3, 1).
RATES = np.array([0.75, 0.75]).reshape(1, 1, 2, 1)
SHARE, GAP = (0.0, 1.0), (-1.0, 1.0)
BAR = 94.5
_BATCH = 500


def alike(rng: Rng, shape: tuple[int, ...], shared: float, own: float) -> Floats:
    """Uniform numbers, float (runs, P, 2, K): `shared` of their variance is the prompt's, `own`
    the prompt's with one model, the rest is the image's."""
    runs, prompts, models, _ = shape
    latent = np.sqrt(shared) * rng.standard_normal((runs, prompts, 1, 1))
    latent = latent + np.sqrt(own) * rng.standard_normal((runs, prompts, models, 1))
    return special.ndtr(latent + np.sqrt(1 - shared - own) * rng.standard_normal(shape))


def binary(rng: Rng, shape: tuple[int, ...], right: float) -> tuple[Floats, Floats]:
    """People and judge, 0 or 1, float (runs, P, 2, K).

    A judge that is right 80 % of the time calls 30 % of the candidate's and 10 % of the incumbent's
    bad images good, and 15 % and 25 % of their good ones bad.
    """
    people = (alike(rng, shape, 0.55, 0.15) < RATES).astype(float)
    wrong, slip = 1 - right, alike(rng, shape, 0.0, 0.7)
    called_good = wrong * np.array([1.5, 0.5]).reshape(1, 1, 2, 1)
    called_bad = wrong * np.array([0.75, 1.25]).reshape(1, 1, 2, 1)
    mistaken = slip < np.where(people > 0, called_bad, called_good)
    return people, np.where(mistaken, 1 - people, people)


def continuous(rng: Rng, shape: tuple[int, ...], right: float) -> tuple[Floats, Floats]:
    """The same from 0 to 1 in twentieths; where the judge is wrong it says 1/2 to 1 of the
    candidate's images and 0 to 1/2 of the incumbent's, whatever they are."""
    people = alike(rng, shape, 0.55, 0.15) ** (1 / RATES - 1)
    mistaken = alike(rng, shape, 0.0, 0.7) > right
    nonsense = 0.5 * rng.random(shape) + np.array([0.5, 0.0]).reshape(1, 1, 2, 1)
    judge = np.where(mistaken, nonsense, people)
    return np.round(20 * people) / 20, np.round(20 * judge) / 20


KINDS = {"binary": binary, "continuous": continuous}
#: Of one model, by kind: the mean of Beta(3, 1) in twentieths is that of its upper tail.
TRUTHS = {
    "binary": float(RATES[0, 0, 0, 0]),
    "continuous": float(np.mean(1 - ((np.arange(1, 21) - 0.5) / 20) ** 3)),
}


def questions(kind: str, people: Floats, judge: Floats) -> Iterator[tuple]:
    """(question, people and judge by prompt, truth): the paired difference, one model's mean."""
    ours, theirs = people.mean(3)[:, :, 0], people.mean(3)[:, :, 1]
    judged = judge.mean(3)
    yield "difference", ours - theirs, judged[:, :, 0] - judged[:, :, 1], 0.0
    yield "mean", ours, judged[:, :, 0], TRUTHS[kind]


def nearest(found: Corrected, alpha: float, far: float) -> float:
    """How far the bound on the truth's side is from the estimate at least: four fifths of what a
    normal distribution and the value for the unseen say."""
    end = found.ends[0 if far > 0 else 1]
    z = -float(special.ndtri(alpha))
    return 0.8 * (z * found.se + 0.5 * abs(found.value - (end or 0.0)) / (found.n + 1))


@dataclass
class Cell:
    """What came of the runs of one cell."""

    runs: int = 0
    missed: int = 0  # two-sided, 2.5 % a side
    too_high: int = 0  # one-sided at 5 %: shown to be at least a limit that is the truth
    too_low: int = 0
    naive_missed: int = 0
    naive_high: int = 0
    squares: Floats = None  # type: ignore[assignment]  # of errors: corrected, labels alone
    reaches: list[tuple[float, float]] = None  # type: ignore[assignment]

    def add(self, people: Floats, judge: Floats, labelled: int, truth: float, ends: tuple) -> None:
        """Runs of float (runs, P), of which people judged the first prompts."""
        self.squares = np.zeros(2) if self.squares is None else self.squares
        self.reaches = self.reaches or []
        for run, (said, told) in enumerate(zip(people, judge, strict=True)):
            found = Corrected(said[:labelled], told[:labelled], told[labelled:], ends)
            alone = Estimate.of(said[:labelled], ends)
            self._count(found, truth)
            self._naive(told, truth)
            self.squares += (found.value - truth) ** 2, (alone.value - truth) ** 2
            self.runs += 1
            if run % 100 == 0:
                reach = found.value - found.lower(0.05), alone.value - alone.lower(0.05)
                self.reaches.append(reach)

    def _count(self, found: Corrected, truth: float) -> None:
        far = found.value - truth
        if abs(far) > nearest(found, 0.025, far):
            missed = found.lower(0.025) > truth if far > 0 else found.upper(0.025) < truth
            self.missed += missed
        if abs(far) > nearest(found, 0.05, far):
            self.too_high += far > 0 and found.lower(0.05) > truth
            self.too_low += far < 0 and found.upper(0.05) < truth

    def _naive(self, told: Floats, truth: float) -> None:
        """The judge alone, by the normal distribution, which is near enough with 100 prompts."""
        far = (told.mean() - truth) / max(told.std(ddof=1) / np.sqrt(told.size), 1e-12)
        self.naive_missed += abs(far) > special.ndtri(0.975)
        self.naive_high += far > special.ndtri(0.95)

    def percent(self, count: int) -> float:
        return 100 * count / self.runs


def run_cell(kind: str, right: float, size: tuple[int, int], seeds: int, runs: int) -> dict:
    """Both questions of one cell, by name."""
    prompts, labelled = size
    rng = np.random.default_rng([20261127, list(KINDS).index(kind), int(100 * right), *size, seeds])
    cells = {"difference": Cell(), "mean": Cell()}
    for first in range(0, runs, _BATCH):
        shape = (min(_BATCH, runs - first), prompts, 2, seeds)
        for name, said, told, truth in questions(kind, *KINDS[kind](rng, shape, right)):
            cells[name].add(said, told, labelled, truth, GAP if name == "difference" else SHARE)
    return cells


def hostile(labelled: int, margin: float, hidden: float, runs: int, seeds: int) -> float:
    """False GO, percent: the judge agrees with people but for a share `hidden` of prompts, where
    they see the candidate lose all and it sees it win all. The truth lies at the margin."""
    rng = np.random.default_rng([20261127, labelled, int(1000 * margin), int(1000 * hidden), seeds])
    go, mean = 0, (hidden - margin) / (1 - hidden)
    for _ in range(runs):
        lost = rng.random(400) < hidden
        steps = rng.choice(
            [-1.0, 0.0, 1.0], (400, seeds), p=[0.15 - mean / 2, 0.7, 0.15 + mean / 2]
        )
        people = np.where(lost, -1.0, steps.mean(1))
        judge = np.where(lost, 1.0, steps.mean(1))
        found = Corrected(people[:labelled], judge[:labelled], judge[labelled:], GAP)
        far = found.value + margin
        go += far > nearest(found, 0.05, far) and found.lower(0.05) >= -margin
    return 100 * go / runs


def coverage_rows(runs: int) -> Iterator[tuple[tuple, str, Cell]]:
    """Every cell of the grid, told as it is done."""
    for what in itertools.product(KINDS, SIZES, SEEDS, RIGHT):
        kind, size, seeds, right = what
        started = time.perf_counter()
        cells = run_cell(kind, right, size, seeds, runs)
        for name, cell in cells.items():
            covered = 100 - cell.percent(cell.missed)
            print(
                *what,
                name,
                f"{covered:.1f} %",
                f"{time.perf_counter() - started:.0f} s",
                flush=True,
            )
            yield what, name, cell


def page(runs: int, hostile_runs: int) -> str:
    """The whole page."""
    found = list(coverage_rows(runs))
    covered, saved = [], []
    for (kind, (prompts, labelled), seeds, right), name, cell in found:
        where = [f"{labelled} of {prompts}", str(seeds), kind, name, f"{100 * right:.0f} %"]
        covered.append(
            [
                *where,
                f"{100 - cell.percent(cell.missed):.1f} %",
                f"{cell.percent(cell.too_high):.1f} %",
                f"{cell.percent(cell.too_low):.1f} %",
                f"{100 - cell.percent(cell.naive_missed):.1f} %",
                f"{cell.percent(cell.naive_high):.1f} %",
            ]
        )
        ours, alone = np.sqrt(cell.squares / cell.runs)
        variance = (alone / ours) ** 2
        reach = np.mean([b for _, b in cell.reaches]) / np.mean([a for a, _ in cell.reaches])
        labels = f"{labelled * variance:.0f}", f"{labelled * reach**2:.0f}"
        saved.append([*where, f"{ours:.4f}", f"{alone:.4f}", f"{variance:.2f}", *labels])
    worst = min(100 - cell.percent(cell.missed) for *_, cell in found)
    high = max(max(c.percent(c.too_high), c.percent(c.too_low)) for *_, c in found)
    naive = [100 - cell.percent(cell.naive_missed) for *_, cell in found]
    head = ["labelled", "seeds", "scores", "of", "judge right"]
    wrong = [
        [f"{n} of 400", str(seeds), f"{100 * margin:.0f} points", f"{100 * part:.1f} %",
         f"{hostile(n, margin, part, hostile_runs, seeds):.1f} %"]
        for n, margin, seeds in itertools.product((30, 60, 100), (0.05, 0.1), (1, 4))
        for part in (margin, margin / 2)
    ]  # fmt: skip
    return "\n".join(
        [
            "# Verdicts corrected by people, measured\n",
            f"Written by `python -m imgassets_tests.benchmarks.people_simulation --runs {runs} "
            f"--hostile-runs {hostile_runs}`. How it works: [How a verdict is reached]"
            "(../decision.md#judged-by-people).\n",
            "The judge is wrong in another way for each model: right 80 % of the time, it calls "
            "30 % of the candidate's bad images good, and 10 % of the incumbent's. In truth both "
            "models are equal, so the judge alone prefers the candidate. Seeds of a prompt "
            "resemble each other (about .5), in what people say and in where the judge is wrong.\n",
            "## Coverage\n",
            f"Of the two-sided interval at 95 %; the simulation's error is about .3 points. Least "
            f"coverage: **{worst:.1f} %** (the bar is {BAR} %). \"Shown too high\" and \"too low\" "
            "are one-sided errors at 5 %, with the limit exactly at the truth; the largest is "
            f"**{high:.1f} %**. The judge alone covers {min(naive):.0f} to {max(naive):.0f} %.\n",
            table(
                [*head, "coverage", "shown too high", "too low", "judge alone covers",
                 "judge alone too high"], covered),
            "## Labels saved\n",
            "Standard errors over the runs, of the corrected estimate and of the labels alone; the "
            "ratio of their variances; as many labels alone would be needed for the same "
            "variance, and for a bound (5 %) as near.\n",
            table(
                [*head, "corrected", "labels alone", "ratio", "worth, by variance",
                 "worth, by the bound"], saved),
            "## A judge that is wrong just where it matters\n",
            "The hardest case we know: the judge agrees with people on every image, but on a share "
            "of prompts it sees the candidate win all where people see it lose all. False GO at "
            "level 5 % with the truth exactly at the margin; the simulation's error is about .5 "
            "points.\n",
            table(["labelled", "seeds", "margin", "share of such prompts", "false GO"], wrong),
        ]
    )  # fmt: skip


def main() -> None:
    """Run it all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--hostile-runs", type=int, default=2000)
    given = parser.parse_args()
    PAGE.write_text(page(given.runs, given.hostile_runs).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
