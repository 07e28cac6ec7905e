"""Measures the rule by simulation and writes what it found into `docs/decision.md`.

    python -m imgassets_tests.benchmarks.decision_simulation [--runs 1000] [--part NAME]...

The made-up models know nothing of the rule. A prompt's chance of being right is drawn from a beta
distribution with the intra-prompt correlation of the cell (ICC), or, where models share what is
hard, from logits (`shared_difficulty`). The rule before version 5 stands beside today's.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from imgassets.decision import decide_table
from imgassets.decision.statistics import Difference, Estimate, holm
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.looks import share_of_look

DOCUMENT = Path(__file__).parents[2] / "docs" / "decision.md"
BEGIN, END = "<!-- simulation begins -->", "<!-- simulation ends -->"
ALPHA = 0.05
FIRST_LOOK = ALPHA * share_of_look(1, None)
#: A rate at exactly 5 % comes out above this in one run of a thousand cells.
RATES = (0.5, 0.8, 0.95, 0.99, 1.0)
PROMPTS = (5, 10, 24, 29, 40, 80, 200, 400)
SEEDS, ICCS, MARGINS = (1, 2, 4), (0.0, 0.5, 0.9), (0.02, 0.05, 0.1)
Rng = np.random.Generator
Floats = np.ndarray
SHARE, GAP = (0.0, 1.0), (-1.0, 1.0)


# ---- made-up models --------------------------------------------------------------------------


def answers(rng: Rng, prompts: int, seeds: int, rate: float, icc: float) -> Floats:
    """0/1 scores, float (prompts, seeds), with this mean and intra-prompt correlation."""
    if icc == 0 or rate in (0.0, 1.0):
        return (rng.random((prompts, seeds)) < rate).astype(float)
    spread = (1 - icc) / icc
    chance = rng.beta(rate * spread, (1 - rate) * spread, (prompts, 1))
    return (rng.random((prompts, seeds)) < chance).astype(float)


@cache
def _level(rate: float, sd: float) -> float:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)

    def gap(x: float) -> float:
        return float(weights / weights.sum() @ special.expit(x + sd * nodes)) - rate

    return float(optimize.brentq(gap, -20, 20))


def shared_difficulty(rng: Rng, prompts: int, base: float, new: float, seeds: int = 4) -> Floats:
    """d_p, float (prompts,): what is hard for one model tends to be hard for the other."""
    shared, found = rng.normal(0, 1.9, (prompts, 1)), []
    for rate in (base, new):
        level = _level(rate, float(np.hypot(1.9, 1.7)))
        chance = special.expit(level + shared + rng.normal(0, 1.7, (prompts, 1)))
        found.append((rng.random((prompts, seeds)) < chance).mean(1))
    return found[1] - found[0]


# ---- the two rules ---------------------------------------------------------------------------


def today(d: Floats, limit: float, level: float = FIRST_LOOK) -> tuple[bool, bool]:
    """Whether the mean is shown to be at least the limit, and below it."""
    estimate = Estimate.of(d, GAP)
    return estimate.p_at_least(limit) <= level, estimate.p_at_most(limit) <= level


def before(d: Floats, limit: float, ends: tuple[float, float] = GAP) -> tuple[bool, bool]:
    """The rule before: Student's t, and where all agree an exact bound."""
    n, sd, mean = d.size, d.std(ddof=1), d.mean()
    if sd > 1e-12:
        p = float(special.stdtr(n - 1, -(mean - limit) / (sd / np.sqrt(n))))
        return p <= ALPHA, 1 - p <= ALPHA
    low = mean - (1 - ALPHA ** (1 / n)) * (mean - ends[0])
    high = mean + (1 - ALPHA ** (1 / n)) * (ends[1] - mean)
    return low >= limit - 1e-9, high <= limit + 1e-9


def share_of(runs: int, event: Callable[[], bool]) -> float:
    """Share of runs in which it happens, in percent."""
    return 100 * sum(bool(event()) for _ in range(runs)) / runs


# ---- tables ----------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *[[str(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells() -> Iterator[tuple[float, int, int, float, float]]:
    """The grid: rate of the incumbent, prompts, seeds, ICC, margin."""
    yield from itertools.product(RATES, PROMPTS, SEEDS, ICCS, MARGINS)


def one_cell(
    seed: int, rate: float, prompts: int, seeds: int, icc: float, margin: float, runs: int
) -> tuple[float, float, float, float]:
    """False GO of today's rule and of the one before, at the margin; false NO-GO of both there."""
    rng = np.random.default_rng([seed, round(100 * rate), prompts, seeds, round(10 * icc),
                                 round(100 * margin)])  # fmt: skip
    seen: dict[bytes, tuple[bool, bool]] = {}
    counts = np.zeros(4)
    for _ in range(runs):
        base = answers(rng, prompts, seeds, rate, icc).mean(1)
        d = np.sort(answers(rng, prompts, seeds, rate - margin, icc).mean(1) - base)
        key = np.round(d * 4).astype(np.int8).tobytes()
        if key not in seen:
            seen[key] = today(d, -margin)
        new, old = seen[key], before(d, -margin)
        counts += [new[0], old[0], new[1], old[1]]
    go, old_go, no_go, old_no_go = 100 * counts / runs
    return float(go), float(old_go), float(no_go), float(old_no_go)


def grid(runs: int, seed: int) -> str:
    """Every cell at the exact margin; those above 5.5 % again with 20 times the runs."""
    found = {cell: one_cell(seed, *cell, runs) for cell in cells()}
    doubtful = [cell for cell, (go, _, no_go, _) in found.items() if max(go, no_go) > 5.5]
    again = {cell: one_cell(seed + 1, *cell, 20 * runs) for cell in doubtful}
    final = found | again
    rows: list[list[object]] = []
    for rate in RATES:
        row: list[object] = [rate]
        for prompts in PROMPTS:
            here = [v for c, v in final.items() if c[0] == rate and c[1] == prompts]
            worst, old = max(v[0] for v in here), max(v[1] for v in here)
            row.append(f"{worst:.1f} ({old:.1f})")
        rows.append(row)
    over = [c for c, v in final.items() if v[0] > 5.5 or v[2] > 5.5]
    said = (
        f"{len(final):,} cells of {runs:,} runs; {len(doubtful)} came out above 5.5 % and were run "
        f"again with {20 * runs:,}: **{len(over)} stay above 5.5 %**. Highest false GO "
        f"{max(v[0] for v in final.values()):.1f} % (before: "
        f"{max(v[1] for v in final.values()):.1f} %), highest false NO-GO "
        f"{max(v[2] for v in final.values()):.1f} % (before: "
        f"{max(v[3] for v in final.values()):.1f} %). Mean false GO "
        f"{np.mean([v[0] for v in final.values()]):.1f} %. Cells above 5.5 %: {over or 'none'}."
    )
    head = ["incumbent right in", *(f"{p} prompts" for p in PROMPTS)]
    return f"{said}\n\n{table(head, rows)}"


def equality(runs: int, seed: int) -> str:
    """False NO-GO where both models are equal; the worst over rates, seeds and ICC."""
    rng = np.random.default_rng(seed)
    rows: list[list[object]] = []
    for prompts in PROMPTS:
        worst = [0.0, 0.0]
        for rate, seeds, icc in itertools.product((0.5, 0.95, 1.0), (1, 4), (0.0, 0.9)):
            hits = np.zeros(2)
            for _ in range(runs):
                a, b = (answers(rng, prompts, seeds, rate, icc).mean(1) for _ in range(2))
                hits += [today(a - b, -0.02)[1], before(a - b, -0.02)[1]]
            worst = [max(w, h) for w, h in zip(worst, 100 * hits / runs, strict=True)]
        rows.append([prompts, f"{worst[0]:.1f} %", f"{worst[1]:.1f} %"])
    return table(["prompts", "false NO-GO, margin 2 points", "before"], rows)


def hard_cases(runs: int, seed: int) -> str:  # noqa: C901 - one case after the other
    """What a rule that trusts the spread it sees gets wrong."""
    rng = np.random.default_rng(seed)
    rows: list[list[object]] = []

    def row(what: str, now: Callable[[], bool], old: Callable[[], bool]) -> None:
        rows.append([what, f"{share_of(runs, now):.1f} %", f"{share_of(runs, old):.1f} %"])

    for prompts in (5, 10, 24, 80):

        def collapse(p: int = prompts) -> Floats:
            lost = (rng.random(p) < 0.05 / 0.8) * 0.8
            return np.clip(rng.normal(0, 0.002, p) - lost, -1, 1)

        row(
            f"NED, jitter of .002 and a rare collapse, margin 5 points, {prompts} prompts: GO",
            lambda c=collapse: today(c(), -0.05)[0],
            lambda c=collapse: before(c(), -0.05)[0],
        )
    for prompts in (10, 40, 200):

        def gains(p: int = prompts) -> Floats:
            return rng.normal(-0.03, 0.001, p) + (rng.random(p) < 0.02) * 0.5

        row(
            f"rare gains of 50 points, truth at a margin of 2 points, {prompts} prompts: NO-GO",
            lambda g=gains: today(g(), -0.02)[1],
            lambda g=gains: before(g(), -0.02)[1],
        )
    for prompts in (29, 40, 80, 400):

        def decibels(p: int = prompts) -> Floats:
            return rng.normal(0, 0.3, p) - (rng.random(p) < 0.0375) * 80.0

        row(
            f"PSNR, 80 dB lost on 3.75 % of images, margin 3 dB, {prompts} prompts: GO",
            lambda d=decibels: Estimate.of(d(), (-120.0, None)).p_at_least(-3) <= FIRST_LOOK,
            lambda d=decibels: before(d(), -3.0, (-120, 120))[0],
        )
    for batches in (29, 80, 400):

        def seconds(n: int = batches) -> Floats:
            return rng.normal(1, 0.05, n) + (rng.random(n) < 0.02) * 60.0

        row(
            f"seconds, 2 % cold starts of 60 s, ceiling at the true mean, worst limit 65 s, "
            f"{batches} batches: GO",
            lambda s=seconds: Estimate.of(s(), (None, 65.0), least=2).p_at_most(2.2) <= FIRST_LOOK,
            lambda s=seconds: before(-s(), -2.2, (-np.inf, np.inf))[0],
        )
    rows.append(["the same without a worst limit", "0.0 %, always INCONCLUSIVE", "as above"])
    for rate, prompts in ((0.01, 80), (0.02, 40), (0.02, 80), (0.05, 80)):

        def failing(p: int = prompts, r: float = rate) -> Floats:
            return (rng.random(p) < r).astype(float)

        row(
            f"failures, all 4 seeds of a prompt together, truth at {rate:.0%}, {prompts} prompts: "
            "passed",
            lambda f=failing, r=rate: Estimate.of(f(), SHARE).p_at_most(r) <= FIRST_LOOK,
            lambda f=failing, r=rate: _pooled(f(), r),
        )
    for seeds in (1, 2, 4):

        def costs(k: int = seeds) -> tuple[Floats, Floats]:
            return rng.normal(1.1, 0.15, 10 * k), rng.normal(1.0, 0.15, 10 * k)

        row(
            f"costs, {10 * seeds} batches a model, sd 15 %, truth at the margin of .1 s, worst "
            "limit 2 s: GO",
            lambda c=costs: _cost(*c())[0],
            lambda k=seeds: _old_cost(rng, k)[0],
        )
        row(
            f"the same: NO-GO (Welch), {10 * seeds} batches",
            lambda c=costs: _cost(*c())[1],
            lambda k=seeds: _old_cost(rng, k)[1],
        )
    return table(["case", "today", "before"], rows)


def _pooled(prompts: Floats, rate: float) -> bool:
    """Clopper and Pearson over requests, effective where failures were seen to cluster."""
    n, k = 4 * prompts.size, prompts.sum()
    n = prompts.size if k else n
    return bool(stats.beta.ppf(1 - ALPHA, k + 1, n - k) <= rate) if k < n else False


def _cost(new: Floats, base: Floats) -> tuple[bool, bool]:
    passed = Difference(
        Estimate.of(new, (None, 2.0), least=2), Estimate.of(base, (0.0, None), least=2)
    )
    # By the bounds, which never contradict the p-values and are quicker.
    return passed.upper(FIRST_LOOK) <= 0.1, passed.lower(FIRST_LOOK) >= 0.1


def _old_cost(rng: Rng, seeds: int) -> tuple[bool, bool]:
    """160 prompts in batches of 16: each prompt's mean over seeds of other batches, as if alone."""
    new, base = (rng.normal(m, 0.15, (10, seeds)).repeat(16, 0) for m in (1.1, 1.0))
    d = (rng.permuted(new, axis=0) - rng.permuted(base, axis=0)).mean(1)
    n = np.unique(np.round(d, 12)).size
    p = float(special.stdtr(n - 1, -(0.1 - d.mean()) / (d.std(ddof=1) / np.sqrt(n))))
    return p <= ALPHA, 1 - p <= ALPHA


def looks(runs: int, seed: int) -> str:
    """Up to five looks after INCONCLUSIVE, truth at the margin of 10 points."""
    rng = np.random.default_rng(seed)
    rows: list[list[object]] = []
    for what, prompts_more, seeds_more in (
        ("2 seeds more a look", 0, 2),
        ("half as many prompts more a look", 30, 0),
        ("both", 30, 2),
        ("other seeds each time", 0, 0),
    ):
        shares = {}
        for name, level in (
            ("today", share_of_look),
            ("5 planned", share_of_look),
            ("before", None),
        ):
            planned = 5 if name == "5 planned" else None
            hits = 0
            for _ in range(runs):
                hits += _looked(rng, prompts_more, seeds_more, level, planned)
            shares[name] = 100 * hits / runs
        rows.append([what, *(f"{v:.1f} %" for v in shares.values())])
    head = ["up to 5 looks, 60 prompts x 2 seeds at first", "false GO",
            "with `decision.looks: 5`", "each look at 5 %"]  # fmt: skip
    return table(head, rows)


def _looked(
    rng: Rng, prompts_more: int, seeds_more: int, level: object, planned: int | None
) -> bool:
    chances = [rng.beta(r, 1 - r, 200) for r in (0.75, 0.65)]  # ICC .5
    drawn = [(rng.random((200, 12)) < c[:, None]).astype(float) for c in chances]
    for look in range(1, 6):
        prompts, seeds = 60 + prompts_more * (look - 1), 2 + seeds_more * (look - 1)
        if not prompts_more and not seeds_more:
            drawn = [(rng.random((200, 12)) < c[:, None]).astype(float) for c in chances]
        d = (drawn[1] - drawn[0])[:prompts, :seeds].mean(1)
        alpha = ALPHA if level is None else ALPHA * share_of_look(look, planned)
        estimate = Estimate.of(d, GAP)
        if estimate.p_at_least(-0.1) <= alpha:
            return True
        if estimate.p_at_most(-0.1) <= alpha:
            return False
    return False


def power(runs: int, seed: int) -> str:
    """GO where both models are equal."""
    rows: list[list[object]] = []
    for prompts, rate, margin in (
        (400, 0.75, 0.05), (200, 0.75, 0.05), (100, 0.75, 0.1), (80, 0.75, 0.1), (48, 0.75, 0.1),
        (400, 0.95, 0.05), (80, 0.95, 0.1), (80, 0.95, 0.05), (400, 0.98, 0.02), (80, 0.98, 0.05),
        (40, 0.98, 0.1), (24, 0.98, 0.1),
    ):  # fmt: skip
        rng = np.random.default_rng([seed, prompts, round(100 * rate), round(100 * margin)])
        counts = np.zeros(3)
        for _ in range(runs):
            d = shared_difficulty(rng, prompts, rate, rate)
            counts += [today(d, -margin)[0], today(d, -margin, ALPHA)[0], before(d, -margin)[0]]
        now, whole, old = 100 * counts / runs
        points = f"{100 * margin:.0f} points"
        rows.append([prompts, f"{rate:.0%}", points, f"{now:.1f} %", f"{whole:.1f} %",
                     f"{old:.1f} %", f"{now - old:+.1f}"])  # fmt: skip
    head = ["prompts x 4 seeds", "both right in", "margin", "GO", "GO with `looks: 1`",
            "GO before", "difference"]  # fmt: skip
    return table(head, rows)


def many(runs: int, seed: int) -> str:
    """Several criteria, and several candidates."""
    rng = np.random.default_rng(seed)
    rows: list[list[object]] = []
    for what, bad in (("one of six criteria at the margin", 1), ("all six at the margin", 6)):
        go = no = 0
        for _ in range(runs):
            true = [0.70] * bad + [0.75] * (6 - bad)
            found = [Estimate.of(shared_difficulty(rng, 200, 0.75, t), GAP) for t in true]
            go += max(d.p_at_least(-0.05) for d in found) <= FIRST_LOOK
            no += min(holm([d.p_at_most(-0.05) for d in found])) <= FIRST_LOOK
        rows.append([what, f"{100 * go / runs:.1f} %", f"{100 * no / runs:.1f} %"])
    for candidates in (3, 10):
        for over in ("each", "all"):
            share = FIRST_LOOK / (candidates if over == "all" else 1)
            hits = 0
            for _ in range(runs):
                hits += any(
                    Estimate.of(shared_difficulty(rng, 200, 0.75, 0.65), GAP).p_at_least(-0.1)
                    <= share
                    for _ in range(candidates)
                )
            rows.append([f"any of {candidates} candidates at the margin, `over: {over}`",
                         f"{100 * hits / runs:.1f} %", "-"])  # fmt: skip
    return table(["case, 200 prompts", "false GO", "false NO-GO"], rows)


def whole_rule(runs: int, seed: int) -> str:
    """Tables in, verdicts out, by `decide_table`."""
    rng = np.random.default_rng(seed)
    rules = DecisionContract.model_validate(
        {"endpoint": "e", "incumbent": "a", "candidates": ["b"], "criteria": [
            {"metric": "typography.exact", "margin": 0.1},
            {"metric": "composition.correct", "margin": 0.1}]}
    )  # fmt: skip
    rows: list[list[object]] = []
    for what, rate in (("equal", 0.95), ("at the margin", 0.85), ("30 points worse", 0.65)):
        counts = dict.fromkeys(("GO", "NO-GO", "INCONCLUSIVE"), 0)
        for _ in range(runs):
            frames = []
            for metric in ("typography.exact", "composition.correct"):
                for model, right in (("a", 0.95), ("b", rate)):
                    values = answers(rng, 80, 2, right, 0.5)
                    where = np.indices(values.shape).reshape(2, -1)
                    frames.append(pd.DataFrame({"model": model, "prompt_id": where[0],
                                                "seed": where[1], "metric": metric,
                                                "value": values.ravel()}))  # fmt: skip
            (verdict,) = decide_table(pd.concat(frames), rules)
            counts[verdict.verdict] += 1
        rows.append([what, *(f"{100 * n / runs:.1f} %" for n in counts.values())])
    return table(["two criteria, 80 prompts x 2 seeds, incumbent right in 95 %", *counts], rows)


PARTS: dict[str, tuple[str, Callable[[int, int], str], float]] = {
    "grid": ("**False GO at the exact margin**, percent, worst over seeds {1, 2, 4}, ICC {0, .5, "
             ".9} and margins {2, 5, 10 points}; in brackets the rule before:", grid, 1),
    "equality": ("**False NO-GO at equality**, worst over rates {.5, .95, 1}, seeds and ICC:",
                 equality, 0.5),
    "hard": ("**Hard cases**, the truth exactly at the limit:", hard_cases, 2),
    "looks": ("**Looking again**, the truth exactly at the margin:", looks, 1),
    "power": ("**Power**: GO where both models are equal, models that share what is hard "
              "(ICC about .45):", power, 2),
    "many": ("**Many criteria and candidates**:", many, 1),
    "whole": ("**The whole rule, from a table to a verdict**:", whole_rule, 0.3),
}  # fmt: skip


def kept(text: str, name: str) -> tuple[int, int]:
    """Where a part's text stands in the document."""
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if begin not in text:
        place = text.index(END)
        return place, place
    return text.index(begin), text.index(end) + len(end) + 2


def main() -> None:
    """Measures, prints, and replaces the parts of the document."""
    parser = argparse.ArgumentParser(description="Measure the rule, write docs/decision.md.")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--part", action="append", choices=list(PARTS), default=[])
    options = parser.parse_args()
    for name in options.part or PARTS:
        title, measure, factor = PARTS[name]
        runs = max(1, round(options.runs * factor))
        found = measure(runs, options.seed)
        block = f"<!-- {name} -->\n{title}\n\n{found}\n\n{runs:,} runs a row or cell, seed "
        block += f"{options.seed}.\n<!-- end {name} -->\n\n"
        print(block, flush=True)
        text = DOCUMENT.read_text(encoding="utf-8")
        start, stop = kept(text, name)
        DOCUMENT.write_text(text[:start] + block + text[stop:], encoding="utf-8")


if __name__ == "__main__":
    main()
