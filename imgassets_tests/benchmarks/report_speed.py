"""How long a verdict, a report and its checks take, and how much memory.

    python -m imgassets_tests.benchmarks.report_speed

Writes docs/measurements/speed.md: verdict and report from 100,000 metric rows, the cluster
bootstrap beside scipy's in one run, and Great Expectations' checks on 1,000,000 rows, each in a
process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from imgassets.backends.device import Meter
from imgassets_tests.benchmarks.pages import table

PAGE = Path(__file__).parents[2] / "docs/measurements/speed.md"
REPORT_ROWS, CHECKED_ROWS = 100_000, 1_000_000
REPORT_BAR_SECONDS, REPORT_BAR_MIB = 20.0, 1000.0
BOOTSTRAP_SIZES = (100, 400, 2_000, 10_000)
RESAMPLES = 2_000
Numbers = dict[str, float]


def peak_mib() -> float:
    """Highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report_numbers() -> Numbers:
    """From metric tables to the four files of a report, as the asset does it."""
    from imgassets.decision import compare, decide
    from imgassets.report.assemble import assemble
    from imgassets.report.build import build_report
    from imgassets_tests.report import factories

    per_prompt = sum(len(m.rows) for m in factories.results(10).values()) // 10
    found = factories.results(-(-REPORT_ROWS // per_prompt))
    contract, base = factories.contract(), found[factories.BASE]
    numbers = {"rows": sum(len(m.rows) for m in found.values()), "models": len(found)}
    numbers["tables_mib"] = peak_mib()
    start = time.perf_counter()
    compared = {
        m: compare(contract, mine, None if m == factories.BASE else base)
        for m, mine in found.items()
    }
    verdicts = [decide(c) for c in compared.values()]
    numbers["verdict_seconds"] = time.perf_counter() - start
    report = assemble(
        contract, found, compared, verdicts, load=factories.draw, request=factories.request,
        prices={}, provenance={}, repetitions={}, answers={}, describe=lambda *_: "", created="now",
    )  # fmt: skip
    files = build_report(report)
    numbers["all_seconds"] = time.perf_counter() - start
    numbers["page_mb"] = len(files["report.html"].encode()) / 1e6
    return numbers | {"peak_mib": peak_mib()}


def bootstrap_numbers() -> Numbers:
    """Best of five of each, by number of prompts."""
    from scipy.stats import bootstrap

    from imgassets.decision.statistics import cluster_bootstrap

    numbers: Numbers = {}
    for size in BOOTSTRAP_SIZES:
        values = np.random.default_rng(size).normal(size=size)

        def ours(values: np.ndarray = values) -> object:
            return cluster_bootstrap(values, 0.05, seed=1, resamples=RESAMPLES)

        def theirs(values: np.ndarray = values) -> object:
            return bootstrap(
                (values,), np.mean, n_resamples=RESAMPLES, confidence_level=0.9,
                method="percentile", rng=np.random.default_rng(1),
            )  # fmt: skip

        numbers[f"ours_{size}"] = min(timed(ours) for _ in range(5))
        numbers[f"scipy_{size}"] = min(timed(theirs) for _ in range(5))
    return numbers | {"peak_mib": peak_mib()}


def checked_table(rows: int) -> pd.DataFrame:
    """Scores of one metric, four seeds a prompt."""
    rng = np.random.default_rng(3)
    fixed = {"endpoint": "e", "model": "m", "flow": "generate", "replicate": 0, "reason": ""}
    fixed["metric"] = "cost.seconds"
    numbers = np.arange(rows)
    return pd.DataFrame(
        {
            "prompt_id": [f"p{n // 4:07d}" for n in numbers],
            "seed": numbers % 4,
            "image_key": [f"{n:064x}" for n in numbers],
            "value": rng.exponential(1.0, rows),
            "status": np.where(rng.random(rows) < 0.001, "blank", "ok"),
            "message": "",
            **fixed,
        }
    )


def check_numbers() -> Numbers:
    """Each kind of check once, after a first one on a small table that pays for the import."""
    from imgassets.decision.gx_suites import hold
    from imgassets.documents.criteria import Criterion
    from imgassets.documents.yardstick import FailureRule, MetricRule

    mean = MetricRule(Criterion(metric="cost.seconds", ceiling=0.9))
    worst = MetricRule(Criterion(metric="cost.seconds", ceiling=10.0, statistic="worst"))
    blank = FailureRule("generate", "blank", ("blank",), 0.01)
    numbers = {"first_seconds": timed(lambda: hold(checked_table(100), [mean]))}
    large = checked_table(CHECKED_ROWS)
    numbers["table_mib"] = large.memory_usage(deep=True).sum() / 2**20
    kinds: dict[str, Callable[[], object]] = {
        "mean": lambda: hold(large, [mean]),
        "worst": lambda: hold(large, [worst]),
        "status": lambda: hold(large, [blank]),
    }
    for kind, check in kinds.items():
        before = psutil.Process().memory_info().rss / 2**20
        with Meter("cpu") as meter:
            check()
        numbers |= {f"{kind}_seconds": meter.seconds, f"{kind}_mib": meter.peak_mib - before}
    return numbers


PARTS = {"report": report_numbers, "bootstrap": bootstrap_numbers, "checks": check_numbers}


def measured(part: str) -> Numbers:
    """A part in a process of its own, so that memory is its own."""
    command = [sys.executable, "-m", "imgassets_tests.benchmarks.report_speed", part]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report_part(n: Numbers) -> str:
    head = f"""## Verdict and report

**{n["rows"]:,.0f} metric rows of {n["models"]:.0f} models: {n["all_seconds"]:.1f} s, \
{n["peak_mib"]:,.0f} MiB** (bars: {REPORT_BAR_SECONDS:.0f} s, {REPORT_BAR_MIB:,.0f} MiB). From the
tables in memory to the four files of the report, as the report's asset does it.
"""
    rows = [
        ["comparisons and verdicts", f"{n['verdict_seconds']:.2f}"],
        ["pairs, matrix, queue, all four forms", f"{n['all_seconds'] - n['verdict_seconds']:.2f}"],
    ]
    foot = (
        f"\nThe HTML file has {n['page_mb']:.1f} MB. Memory is the highest of the process, imports "
        f"and tables included; it was {n['tables_mib']:,.0f} MiB before the first comparison.\n"
    )
    return head + "\n" + table(["step", "seconds"], rows) + foot


def bootstrap_part(n: Numbers) -> str:
    head = f"""## Cluster bootstrap

{RESAMPLES:,} resamples of prompt values, beside `scipy.stats.bootstrap(method="percentile")` with
its defaults, in one run; least of five turns each.
"""
    rows = []
    for size in BOOTSTRAP_SIZES:
        ours, theirs = n[f"ours_{size}"], n[f"scipy_{size}"]
        rows.append(
            [f"{size:,}", f"{1000 * ours:.1f}", f"{1000 * theirs:.1f}", f"{theirs / ours:.2f}"]
        )
    return head + "\n" + table(["prompts", "ours, ms", "scipy, ms", "scipy / ours"], rows)


def checks_part(n: Numbers) -> str:
    head = f"""## Checks

Great Expectations on one table of {CHECKED_ROWS:,} rows ({n["table_mib"]:,.0f} MiB). The first
check of a process pays for the import: {n["first_seconds"]:.1f} s on 100 rows.
"""
    kinds = ("mean over prompts", "mean"), ("worst image", "worst"), ("failure rate", "status")
    rows = [[name, f"{n[f'{key}_seconds']:.2f}", f"{n[f'{key}_mib']:,.0f}"] for name, key in kinds]
    return head + "\n" + table(["check", "seconds", "MiB beside the table"], rows)


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(PARTS[sys.argv[1]]()))
        return
    libraries = ("numpy", "pandas", "scipy", "great-expectations")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    head = (
        "# Speed of verdicts, reports and checks\n\nWritten by `python -m "
        f"imgassets_tests.benchmarks.report_speed` on {platform.machine()} with {os.cpu_count()} "
        f"cores, shared with other work (load {os.getloadavg()[0]:.1f}), with {versions}.\n"
    )
    parts = [
        report_part(measured("report")),
        bootstrap_part(measured("bootstrap")),
        checks_part(measured("checks")),
    ]
    PAGE.write_text("\n".join([head, *parts]), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
