"""Measures criteria on people's answers, and writes the tables of docs/metrics/review.md.

    python -m imgassets_tests.benchmarks.review_simulation [--runs 4000] [--verdicts 300]

Made-up people on one pair a prompt. Two people resemble each other in what they say of a pair
(correlation about .5), as they see the same images. The truth is what people say on average over
all prompts, and lies exactly at the floor where errors are counted. The bounds are those of the
product; whole verdicts go through `compare` and `decide`.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from imgassets.decision import compare, decide
from imgassets.decision.review_size import pairs_needed
from imgassets.decision.statistics import Estimate
from imgassets.documents.criteria import Decision
from imgassets.documents.looks import level
from imgassets_tests.benchmarks.pages import FOLDER, replace_part, table
from imgassets_tests.decision.answers import answer, with_keys
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured

PAGE = FOLDER / "review.md"
ALPHA, SEED = 0.05, 20261127
PROMPTS, PEOPLE = (20, 40, 80), (1, 2)
#: How alike two people see a pair, as a share of the variance of a latent opinion.
SHARED = 0.7
_SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Opinion:
    """What people say of a candidate that is exactly as good as a floor asks.

    Attributes:
        metric: of family `review`.
        floor: of the contract.
        ties: share of pairs called equal.
    """

    metric: str
    floor: float
    ties: float = 0.0

    def said(
        self, rng: np.random.Generator, shape: tuple[int, int, int], truth: float | None = None
    ) -> np.ndarray:
        """Values 0, 1/2 or 1, float (runs, prompts, people), with the mean `truth`."""
        runs, prompts, people = shape
        mean = self.floor if truth is None else truth
        latent = np.sqrt(SHARED) * rng.standard_normal((runs, prompts, 1))
        latent = latent + np.sqrt(1 - SHARED) * rng.standard_normal((runs, prompts, people))
        opinion = special.ndtr(latent)
        wins = mean - self.ties / 2
        return np.where(opinion < wins, 1.0, np.where(opinion < wins + self.ties, 0.5, 0.0))


OPINIONS = (
    Opinion("review.accepted", 0.8),
    Opinion("review.accepted", 0.9),
    Opinion("review.preference", 0.45),
    Opinion("review.preference", 0.45, 0.4),
    Opinion("review.preference", 0.4, 0.4),
)


@lru_cache(maxsize=200_000)
def p_values(counts: tuple[tuple[float, int], ...], floor: float) -> tuple[float, float]:
    """p-values of "below the floor" and "above it" of prompts' means, by value and count."""
    values = np.repeat([value for value, _ in counts], [count for _, count in counts])
    found = Estimate.of(values, _SHARE)
    return found.p_at_least(floor), found.p_at_most(floor)


def shown(said: np.ndarray, floor: float) -> np.ndarray:
    """p-values of each run, float (runs, 2): small means shown to be above, or below, the floor."""
    means = said.mean(axis=2)
    return np.array([p_values(_counted(run), floor) for run in means])


def _counted(values: np.ndarray) -> tuple[tuple[float, int], ...]:
    found, counts = np.unique(values, return_counts=True)
    return tuple(zip(found.tolist(), counts.tolist(), strict=True))


def errors(runs: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """Wrongly passed and wrongly broken, percent, with the truth at the floor."""
    for opinion, people in itertools.product(OPINIONS, PEOPLE):
        cells = []
        for prompts in PROMPTS:
            p = shown(opinion.said(rng, (runs, prompts, people)), opinion.floor)
            high, low = 100 * (p <= ALPHA).mean(axis=0)
            cells += [f"{high:.1f}", f"{low:.1f}"]
        yield [f"`{opinion.metric}`", f"{100 * opinion.floor:.0f} %",
               f"{100 * opinion.ties:.0f} %", str(people), *cells]  # fmt: skip


def power(runs: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """How often a floor is shown to hold by truths above it, percent."""
    cases = [(OPINIONS[0], 0.9), (OPINIONS[0], 0.95), (OPINIONS[1], 0.95), (OPINIONS[1], 0.99),
             (OPINIONS[3], 0.5), (OPINIONS[4], 0.5), (OPINIONS[4], 0.6)]  # fmt: skip
    for (opinion, truth), people in itertools.product(cases, PEOPLE):
        cells = []
        for prompts in PROMPTS:
            p = shown(opinion.said(rng, (runs, prompts, people), truth), opinion.floor)
            cells.append(f"{100 * (p[:, 0] <= ALPHA).mean():.0f} %")
        yield [f"`{opinion.metric}`", f"{100 * opinion.floor:.0f} %", f"{100 * truth:.0f} %",
               str(people), *cells]  # fmt: skip


def peeking(runs: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """Passed at any of five looks, one after every 20 prompts more, with the truth at the floor."""
    ways: Sequence[tuple[str, Sequence[float]]] = [
        ("as it is", [level(Decision(), number, 1) for number in range(1, 6)]),
        ("`decision.looks: 5`", [level(Decision(looks=5), number, 1) for number in range(1, 6)]),
        ("each look at 5 %", [ALPHA] * 5),
    ]
    for opinion in (OPINIONS[0], OPINIONS[3]):
        said = opinion.said(rng, (runs, 100, 1))
        looks = [shown(said[:, :n], opinion.floor)[:, 0] for n in range(20, 101, 20)]
        for name, levels in ways:
            passed = np.any([p <= alpha for p, alpha in zip(looks, levels, strict=True)], axis=0)
            yield [f"`{opinion.metric}`", name, f"{100 * passed.mean():.1f} %"]


def verdicts(runs: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """What becomes of a REVIEW by 40 people's answers, percent of runs."""
    exact = {"typography.exact": lambda prompt, seed: 1.0}
    sides = [with_keys(measured(model, exact, range(40), (1,))) for model in (NEW, BASE)]
    contract = endpoint(
        [{"metric": "typography.exact", "floor": 0.8},
         {"metric": "review.accepted", "floor": 0.8}], seeds=(1,), review={"always": True},
    )  # fmt: skip
    for truth in (0.5, 0.8, 0.9, 0.95, 0.99):
        counts = {"GO": 0, "REVIEW": 0, "NO-GO": 0, "INCONCLUSIVE": 0}
        for run in OPINIONS[0].said(rng, (runs, 40, 1), truth)[:, :, 0]:
            said = [answer(p, preference="equal" if v else "incumbent") for p, v in enumerate(run)]
            counts[decide(compare(contract, *sides, seed=None, answers=said)).verdict] += 1
        yield [f"{100 * truth:.0f} %", *(f"{100 * counts[v] / runs:.0f} %" for v in
                                         ("GO", "REVIEW", "NO-GO"))]  # fmt: skip


def sizes() -> str:
    """Pairs that show a floor to hold, by the truth that is taken for granted."""
    rows = []
    for metric, floors in (("review.accepted", (0.7, 0.8, 0.85, 0.9)),
                           ("review.preference", (0.35, 0.4, 0.45))):  # fmt: skip
        for floor in floors:
            contract = endpoint([{"metric": metric, "floor": floor}])
            for size in pairs_needed(contract, NEW):
                pairs = "none" if size.prompts is None else f"{size.prompts:,}"
                rows.append([f"`{metric}`", f"{100 * floor:.0f} %", size.shown_truth, pairs])
    return table(["metric", "floor", "truth", "pairs, one a prompt"], rows)


def text(runs: int, judged: int) -> str:
    """All tables."""
    rng = np.random.default_rng(SEED)
    found = list(errors(runs, rng))
    worst = [max(float(row[i]) for row in found for i in columns) for columns in
             ((4, 6, 8), (5, 7, 9))]  # fmt: skip
    pairs = [f"{n}: {what}" for n in PROMPTS for what in ("passed", "broken")]
    return "\n".join(
        [
            f"{runs:,} runs a cell, {judged} for whole verdicts, seed {SEED}; the simulation's "
            f"error is about {100 * np.sqrt(ALPHA * (1 - ALPHA) / runs):.1f} points.\n",
            "**Wrong at the floor**, percent of runs at level 5 %, by number of prompts with one "
            f"answered pair each. Wrongly passed: **at most {worst[0]:.1f} %**; wrongly broken: at "
            f"most {worst[1]:.1f} %.\n",
            table(["metric", "floor", "ties", "people a pair", *pairs], found),
            "**Shown to hold**, by the truth:\n",
            table(["metric", "floor", "truth", "people a pair", *(f"{n} prompts" for n in PROMPTS)],
                  list(power(runs, rng))),
            "**Looking five times**, after every 20 answered prompts, the truth at the floor:\n",
            table(["metric", "levels", "passed at any look"], list(peeking(runs, rng))),
            "**What becomes of a REVIEW** with `floor: 0.8` and 40 answers:\n",
            table(["truth", "GO", "stays REVIEW", "NO-GO"], list(verdicts(judged, rng))),
        ]
    )  # fmt: skip


def main() -> None:
    """Run it all and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--verdicts", type=int, default=300)
    given = parser.parse_args()
    replace_part(PAGE, "SIZES", sizes())
    replace_part(PAGE, "SIMULATION", text(given.runs, given.verdicts))


if __name__ == "__main__":
    main()
