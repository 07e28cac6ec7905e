"""Writes the table of `docs/margins.md`: how many prompts a margin takes.

    python -m imgassets_tests.benchmarks.margins_page [--runs 1000]

The two models are equally good and share what is hard (`decision_simulation.shared_difficulty`).
The number of prompts is the product's own plan, the one that an INCONCLUSIVE verdict prints; how
often so many prompts end in GO is counted by the product's own test.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from imgassets.decision.needed_data import prompts_needed
from imgassets.decision.statistics import Estimate
from imgassets.documents.reachable import BestCase
from imgassets_tests.benchmarks.decision_simulation import (
    FIRST_LOOK,
    GAP,
    shared_difficulty,
    table,
    today,
)
from imgassets_tests.benchmarks.pages import replace_part

PAGE = Path(__file__).parents[2] / "docs" / "margins.md"
RATES, MARGINS, SEEDS = (0.75, 0.9, 0.98), (0.1, 0.05, 0.02), (4, 1)
#: Prompts drawn to know the spread of differences.
DRAWN = 20_000


def fewest(margin: float) -> int:
    """Prompts without which no result shows the margin, however good the models."""
    needed = BestCase("margin", 0.0, -margin, GAP[0]).prompts_needed(FIRST_LOOK)
    if needed is None:
        raise ValueError(f"no number of prompts shows a margin of {margin}; use one above 0")
    return needed


def planned(rate: float, margin: float, seeds: int, seed: int) -> int | None:
    """Prompts that end in GO with 80 % chance, as the product plans them."""
    drawn = shared_difficulty(np.random.default_rng(seed), DRAWN, rate, rate, seeds)
    equal = np.concatenate([drawn, -drawn])  # as often better as worse: the mean is 0
    return prompts_needed(Estimate.of(equal, GAP), -margin, FIRST_LOOK, above=True)


def share_of_go(
    prompts: int, rate: float, margin: float, seeds: int, runs: int, seed: int
) -> float:
    """How often so many prompts show the margin, in percent."""
    rng = np.random.default_rng(seed)
    found = (
        today(shared_difficulty(rng, prompts, rate, rate, seeds), -margin)[0] for _ in range(runs)
    )
    return 100 * sum(found) / runs


def cell(rate: float, margin: float, seeds: int, runs: int, seed: int) -> str:
    """`395 (82 %)`: prompts, and the share of runs that ended in GO."""
    prompts = planned(rate, margin, seeds, seed)
    if prompts is None:
        return "above 10,000"
    return f"{prompts:,} ({share_of_go(prompts, rate, margin, seeds, runs, seed + 1):.0f} %)"


def rows(runs: int, seed: int) -> list[list[object]]:
    """A row for each margin and number of seeds."""
    return [
        [f"{100 * margin:.0f} points", seeds]
        + [cell(rate, margin, seeds, runs, seed) for rate in RATES]
        + [fewest(margin)]
        for margin in MARGINS
        for seeds in SEEDS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261127)
    options = parser.parse_args()
    head = ["margin", "seeds", *(f"right in {100 * rate:.0f} %" for rate in RATES), "always right"]
    made = table(head, rows(options.runs, options.seed))
    note = f"{options.runs:,} runs a cell, seed {options.seed}."
    replace_part(PAGE, "MARGINS", f"{made}\n\n{note}\n")
    print(made)


if __name__ == "__main__":
    main()
