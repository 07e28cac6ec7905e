"""Measures the rule by simulation and writes what it found into `docs/decision.md`.

    python -m imgassets_tests.benchmarks.decision_simulation [--runs 2000]

Made-up models answer made-up prompts: each prompt has a difficulty both models share and one of
its own for each model (logits, normal), each seed is a coin. That gives an intra-prompt
correlation like that of real data (.44 to .61).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import optimize, special

from imgassets.decision import Measured, compare, decide
from imgassets.decision.statistics import Estimate, cluster_bootstrap, holm
from imgassets_tests.decision.made_up import BASE, ENDPOINT, NEW, endpoint

DOCUMENT = Path(__file__).parents[2] / "docs" / "decision.md"
BEGIN, END = "<!-- simulation begins -->", "<!-- simulation ends -->"
SEEDS, ALPHA, MARGIN = 4, 0.05, 0.05
SHARED_SD, OWN_SD = 1.9, 1.7
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
Rng = np.random.Generator


@cache
def level(rate: float) -> float:
    """The mean logit at which prompts of this spread have this mean rate."""
    spread = np.hypot(SHARED_SD, OWN_SD)
    weights = _WEIGHTS / _WEIGHTS.sum()

    def gap(x: float) -> float:
        return float(weights @ special.expit(x + spread * _NODES)) - rate

    return float(optimize.brentq(gap, -20, 20))


def answers(rng: Rng, prompts: int, base: float, new: float) -> tuple[np.ndarray, np.ndarray]:
    """0/1 scores of incumbent and candidate, both float (prompts, SEEDS)."""
    shared = rng.normal(0, SHARED_SD, (prompts, 1))
    found = []
    for rate in (base, new):
        chance = special.expit(level(rate) + shared + rng.normal(0, OWN_SD, (prompts, 1)))
        found.append((rng.random((prompts, SEEDS)) < chance).astype(float))
    return found[0], found[1]


def differences(rng: Rng, prompts: int, base: float, new: float) -> np.ndarray:
    """d_p, float (prompts,)."""
    ours, theirs = answers(rng, prompts, base, new)
    return (theirs - ours).mean(1)


def rate_of(runs: int, event: Callable[[], bool]) -> float:
    """Share of runs in which it happens."""
    return sum(event() for _ in range(runs)) / runs


def table(head: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *[[str(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def coverage_of_means(rng: Rng, runs: int) -> str:
    """How often each 95 % bound of a model's own mean covers, Wilson's and plain t."""
    rows: list[list[object]] = []
    for truth in (0.5, 0.8, 0.9, 0.95, 0.98):
        for prompts in (40, 100, 400):
            means = [answers(rng, prompts, truth, truth)[0].mean(1) for _ in range(runs)]
            cells: list[object] = [truth, prompts]
            for method in ("wilson", "t"):
                found = [Estimate.of(m, (0.0, 1.0), method) for m in means]
                cells.append(percent(np.mean([e.lower(ALPHA) <= truth for e in found])))
                cells.append(percent(np.mean([e.upper(ALPHA) >= truth for e in found])))
            rows.append(cells)
    head = ["true rate", "prompts", "lower, Wilson (used)", "upper, Wilson (used)", "lower, t",
            "upper, t"]  # fmt: skip
    return table(head, rows)


def coverage_of_differences(rng: Rng, runs: int) -> str:
    """How often each 95 % bound of the paired difference covers; the bootstrap beside it."""
    rows: list[list[object]] = []
    for base in (0.5, 0.8, 0.95):
        for prompts in (40, 100, 400):
            new = base - MARGIN
            hits = np.zeros(4)
            for run in range(runs):
                d = differences(rng, prompts, base, new)
                found = Estimate.of(d, (-1.0, 1.0))
                low, high = cluster_bootstrap(d, ALPHA, seed=run, resamples=400)
                bounds = (found.lower(ALPHA), found.upper(ALPHA), low, high)
                hits += [bounds[0] <= -MARGIN, bounds[1] >= -MARGIN, low <= -MARGIN,
                         high >= -MARGIN]  # fmt: skip
            rows.append([base, prompts, *map(percent, hits / runs)])
    head = ["incumbent's rate", "prompts", "lower, t (used)", "upper, t (used)",
            "lower, bootstrap", "upper, bootstrap"]  # fmt: skip
    return table(head, rows)


def verdicts_of_one_margin(rng: Rng, runs: int) -> str:
    """GO and NO-GO rates of one margin, at it, and at no difference; and with clusters ignored."""
    rows: list[list[object]] = []
    for prompts in (100, 200, 400, 553):
        cells: list[object] = [prompts]
        for true in (-MARGIN, 0.0):
            go = no = naive = 0
            for _ in range(runs):
                ours, theirs = answers(rng, prompts, 0.75, 0.75 + true)
                d = Estimate.of((theirs - ours).mean(1), (-1.0, 1.0))
                go += d.p_at_least(-MARGIN) <= ALPHA
                no += d.p_at_most(-MARGIN) <= ALPHA
                flat = Estimate.of((theirs - ours).ravel(), (-1.0, 1.0))
                naive += flat.p_at_least(-MARGIN) <= ALPHA
            cells += [percent(go / runs), percent(no / runs)]
            cells += [percent(naive / runs)] if true else []
        rows.append(cells)
    head = [
        "prompts",
        "false GO at the margin",
        "false NO-GO at the margin",
        "false GO, clusters ignored",
        "GO at no difference",
        "NO-GO at no difference",
    ]
    return table(head, rows)


def verdicts_of_six_margins(rng: Rng, runs: int) -> str:
    """Six criteria: intersection-union for GO, Holm for NO-GO."""
    cases = {"one at the margin, five with no difference": 1, "all six at the margin": 6}
    rows: list[list[object]] = []
    for what, bad in cases.items():
        go = no = uncorrected = 0
        for _ in range(runs):
            true = [-MARGIN] * bad + [0.0] * (6 - bad)
            found = [Estimate.of(differences(rng, 400, 0.75, 0.75 + t), (-1.0, 1.0)) for t in true]
            broken = [d.p_at_most(-MARGIN) for d in found]
            go += max(d.p_at_least(-MARGIN) for d in found) <= ALPHA
            no += min(holm(broken)) <= ALPHA
            uncorrected += min(broken) <= ALPHA
        rows.append([what, *(percent(n / runs) for n in (go, no, uncorrected))])
    return table(["400 prompts", "false GO", "false NO-GO", "false NO-GO without Holm"], rows)


def through_the_whole_rule(rng: Rng, runs: int) -> str:
    """Tables in, verdicts out: `compare` and `decide`, 60 prompts, margins of 15 points."""
    metrics = ("composition.correct", "typography.exact", "composition.size")
    contract = endpoint([{"metric": m, "margin": 0.15} for m in metrics], range(SEEDS))
    rows: list[list[object]] = []
    for what, true in (("no difference", 0.0), ("at the margin", -0.15), ("40 points worse", -0.4)):
        counts = dict.fromkeys(("GO", "NO-GO", "INCONCLUSIVE"), 0)
        for _ in range(runs):
            scores = {m: answers(rng, 60, 0.75, 0.75 + true) for m in metrics}
            pair = [measured_from(n, {m: s[i] for m, s in scores.items()})
                    for i, n in ((1, NEW), (0, BASE))]  # fmt: skip
            counts[decide(compare(contract, *pair)).verdict] += 1
        rows.append([what, *(percent(n / runs) for n in counts.values())])
    return table(["three criteria, true difference of each", *counts], rows)


def measured_from(model: str, scores: dict[str, np.ndarray]) -> Measured:
    """Tables from arrays (prompts, SEEDS), one a metric."""
    prompts = next(iter(scores.values())).shape[0]
    index = pd.MultiIndex.from_product([range(prompts), range(SEEDS)]).to_frame(index=False)
    who = pd.DataFrame(
        {
            "endpoint": ENDPOINT, "model": model, "flow": "generate",
            "prompt_id": "p" + index[0].astype(str), "seed": index[1], "replicate": 0,
        }
    )  # fmt: skip
    who = who.assign(image_key=model + who["prompt_id"] + "-" + who["seed"].astype(str))
    rows = [who.assign(metric=m, value=v.ravel(), reason="") for m, v in scores.items()]
    return Measured(model, pd.concat(rows, ignore_index=True), who.assign(status="ok", message=""))


def section(runs: int, seed: int) -> str:
    """The section's Markdown, markers included."""
    rng = np.random.default_rng(seed)
    scores = [answers(rng, 4000, 0.75, 0.75) for _ in range(4)]
    spread = np.mean([(new - base).mean(1).std(ddof=1) for base, new in scores])
    means = scores[0][0].mean(1)
    total = scores[0][0].var()
    correlation = (means.var(ddof=1) - total / SEEDS) / (total * (1 - 1 / SEEDS))
    texts = [
        f"{runs:,} runs a cell, {SEEDS} seeds a prompt, alpha {ALPHA}, margin 5 points unless "
        f"said otherwise, seed {seed}. The made-up models have an intra-prompt correlation of "
        f"{correlation:.2f} and sd(d_p) = {spread:.2f} at a rate of 75 %.",
        "**Bounds of a model's own mean** (floors and ceilings), nominal 95 %:",
        coverage_of_means(rng, runs),
        "**Bounds of the paired difference** (margins), nominal 95 %:",
        coverage_of_differences(rng, runs),
        "**One margin**, incumbent at 75 %:",
        verdicts_of_one_margin(rng, runs),
        "**Six criteria at once**:",
        verdicts_of_six_margins(rng, runs),
        f"**The whole rule, from tables to verdict** ({max(50, runs // 10):,} runs):",
        through_the_whole_rule(rng, max(50, runs // 10)),
    ]
    return "\n\n".join([BEGIN, *texts, END])


def main() -> None:
    """Measures, prints, and replaces the section of the document."""
    parser = argparse.ArgumentParser(description="Measure the rule, write docs/decision.md.")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261124)
    options = parser.parse_args()
    found = section(options.runs, options.seed)
    print(found)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + found + after, encoding="utf-8")


if __name__ == "__main__":
    main()
