"""Measures pilots against the server's log, aiperf and theory: docs/measurements/pilot.md.

    python -m imgassets_tests.benchmarks.pilot_agreement [--aiperf FOLDER] [--repeats 3]

FOLDER gets an environment of its own with aiperf (142 packages, 1.2 GB), unless it has one. Run it
on a quiet machine: other work makes the client late, and then the page says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from imgassets.decision.queueing import queued
from imgassets.documents.pilot import Pilot as PilotDocument
from imgassets.documents.project import load_project
from imgassets.pilot.due import due_requests
from imgassets.pilot.latency import bounded_quantile
from imgassets.pilot.load import Where
from imgassets.pilot.result import LOG, Pilot
from imgassets.pilot.run import run_pilot
from imgassets.pilot.simulated import simulated
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.conftest import write_project
from imgassets_tests.fakes.frozen_server import FrozenServer
from imgassets_tests.pilot.projects import document, with_pilot

PAGE = Path(__file__).parents[2] / "docs/measurements/pilot.md"
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "worst": 1.0}
Floats = np.ndarray
_BAR = 0.02


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--aiperf", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--runs", type=int, default=1000)
    given = parser.parse_args()
    parts = [head()]
    parts.append(against_the_log(given.repeats))
    parts.append(freeze())
    if given.aiperf:
        parts.append(against_aiperf(given.aiperf))
    parts.append(beside_the_simulated())
    parts.append(coverage(given.runs))
    PAGE.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def head() -> str:
    load = os.getloadavg()[1]
    return (
        "# Pilots, measured\n\nWritten by `python -m imgassets_tests.benchmarks.pilot_agreement` "
        f"on {platform.machine()}, {os.cpu_count()} cores, at niceness {os.nice(0)} beside a load "
        f"average of {load:.1f} when it began. "
        "How it works: [Put a model under load](../pilot.md).\n"
    )


# ---- the server's own log ------------------------------------------------------------------


def against_the_log(repeats: int) -> str:
    """Latencies that the pilot measured, and those that the server logged for the same requests."""
    rows, worst = [], 0.0
    cases: list[tuple[str, Any]] = [
        ("a backend that waits 0.2 s a batch", waiting_pilot),
        ("the embedded model tiny-turbo", tiny_pilot),
    ]
    for name, run in cases:
        for number in range(repeats):
            pilot, log = run(number)
            seen, logged = joined(pilot, log)
            for label, share in SHARES.items():
                one, other = np.quantile(seen, share), np.quantile(logged, share)
                off = one / other - 1
                worst = max(worst, abs(off)) if label != "worst" else worst
                rows.append([name if label == "p50" else "", label, f"{len(seen)}",
                             f"{one * 1e3:.1f}", f"{other * 1e3:.1f}", f"{off:+.2%}"])  # fmt: skip
    text = (
        "## Against the server's own log\n\nEach request for an image, from when the pilot sent it "
        "to its reply, against what `imgassets serve --log` wrote of it: from its arrival to its "
        f"answer. Largest difference of a quantile: **{worst:.1%}** (the bar is {_BAR:.0%}). What "
        "is left is the way there and back, through both ends' HTTP: a request that makes no image "
        f"takes {there_and_back():.1f} ms here (median of 200, nothing else under way).\n"
    )
    head_ = ["server", "", "images", "pilot, ms", "server's log, ms", "difference"]
    return text + "\n" + table(head_, rows)


def there_and_back() -> float:
    """Milliseconds of a request whose answer takes no work, as the pilot's client sends it."""

    async def took(url: str) -> list[float]:
        async with httpx.AsyncClient(trust_env=False) as client:
            times = []
            for _ in range(200):
                begun = time.perf_counter()
                await client.get(f"{url}/models")
                times.append(time.perf_counter() - begun)
            return times

    log = Path(tempfile.mkdtemp()) / LOG
    with scratch() as root, waiting(root, log, 0.2) as url:
        return float(np.median(asyncio.run(took(url)))) * 1e3


def joined(pilot: Pilot, log: Path) -> tuple[Floats, Floats]:
    """Seconds of the same requests by (pilot, log)."""
    logged = {}
    for line in log.read_text().splitlines():
        told = json.loads(line)
        logged[told["id"]] = told["answered"] - told["received"]
    pairs = [
        (step.ended - step.began, logged[f"{row.number}.{step.flow}"])
        for row in pilot.requests
        for step in row.steps
        if not step.here and f"{row.number}.{step.flow}" in logged
    ]
    seen, told_ = np.array(pairs).T
    return seen, told_


@contextmanager
def waiting(root: Path, log: Path, seconds: float) -> Iterator[str]:
    """A server whose backend waits; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    module = "imgassets_tests.benchmarks.waiting_server"
    command = [sys.executable, "-m", module, str(root), "prod", str(port), str(log), str(seconds)]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(600):
            with suppress(httpx.HTTPError):
                httpx.get(f"{url}/models")
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@contextmanager
def scratch() -> Iterator[Path]:
    """The small project of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder))
        with_pilot(Path(folder), None)
        yield Path(folder)


def waiting_pilot(number: int) -> tuple[Pilot, Path]:
    """10 requests a second for a server that takes 0.2 s a batch of 4."""
    log = Path(tempfile.mkdtemp()) / LOG
    with scratch() as root, waiting(root, log, 0.2) as url:
        return run(root, "prod", Where("cpu", url), document(requests=400, seed=number)), log


def tiny_pilot(number: int) -> tuple[Pilot, Path]:
    """Half a request a second, with edits and upscales, for the embedded model."""
    kept = Path(tempfile.mkdtemp()) / LOG
    with scratch() as root:
        with_pilot(root, None, traffic={"busiest_hour": 3600, "per_month": {"generate": 1}})
        asked = document(requests=60, seed=number, flows={"generate": 8, "edit": 1, "upscale": 1})
        project = load_project(root)
        where = Where("cpu")
        pilot, folder = run_pilot(project, "cards", "fast", where, asked, lambda *_: None)
        kept.write_bytes((folder / LOG).read_bytes())
    return pilot, kept


def run(root: Path, model: str, where: Where, asked: PilotDocument) -> Pilot:
    return run_pilot(load_project(root), "cards", model, where, asked, lambda *_: None)[0]


# ---- a freeze ------------------------------------------------------------------------------


def freeze() -> str:
    """A server that stands still for 2 s, seen by an open and by a closed loop."""
    with scratch() as root, FrozenServer(freeze_at=101).running() as server:
        pilot = run(root, "prod", Where("cpu", server.url), document(requests=400, seed=1))
    latencies = np.array([row.latency for row in pilot.requests])
    with FrozenServer(freeze_at=101).running() as server:
        closed = np.array([_one(server.url) for _ in range(400)])
    rows = [
        [name, *(f"{np.quantile(values, share) * 1e3:.0f}" for share in SHARES.values())]
        for name, values in (("the pilot, from due", latencies), ("one after the other", closed))
    ]
    text = (
        "## A freeze of 2 s\n\n10 requests a second; the server stands still for 2 s at one of "
        "400. Who waits for each reply before sending the next sees one slow request in 400, and "
        "calls p99 good; the others would have waited as well.\n"
    )
    return text + "\n" + table(["client", "p50, ms", "p95, ms", "p99, ms", "worst, ms"], rows)


def _one(url: str) -> float:
    begun = time.perf_counter()
    asked = {"prompt": "a fox", "seed": 1, "n": 1, "size": "96x96"}
    httpx.post(f"{url}/images/generations", json=asked, timeout=30)
    return time.perf_counter() - begun


# ---- aiperf --------------------------------------------------------------------------------


def against_aiperf(folder: Path) -> str:
    """The same trace by aiperf, against the same server."""
    tool = aiperf(folder)
    with scratch() as root:
        log = root / LOG
        asked = document(requests=200, seed=7)
        with waiting(root, log, 0.2) as url:
            pilot = run(root, "prod", Where("cpu", url), asked)
            theirs, missed = by_aiperf(tool, root, url, asked)
    ours = np.array([step.ended - step.began for row in pilot.requests for step in row.steps])
    rows = []
    for label, share in SHARES.items():
        one, other = np.quantile(ours, share), np.quantile(theirs, share)
        rows.append([label, f"{one * 1e3:.1f}", f"{other * 1e3:.1f}", f"{one / other - 1:+.1%}"])
    late = np.array(pilot.late) * 1e3
    text = (
        "## Against aiperf\n\nThe same 200 requests at the same times by aiperf 0.13 "
        "(`--fixed-schedule`), from sending to reply, one client after the other against a server "
        f"that takes 0.2 s a batch. aiperf finished {len(theirs)} of them{missed}. The pilot sent "
        f"its requests {np.median(late):.1f} ms late (median; worst {late.max():.1f} ms).\n"
    )
    return text + "\n" + table(["", "pilot, ms", "aiperf, ms", "difference"], rows)


def aiperf(folder: Path) -> Path:
    """The tool in an environment of its own, made where there is none."""
    tool = folder / "bin/aiperf"
    if not tool.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        packages = ["aiperf==0.13.0", "huggingface-hub<2"]
        subprocess.run([str(folder / "bin/pip"), "install", "-q", *packages], check=True)
    return tool


def by_aiperf(tool: Path, root: Path, url: str, asked: PilotDocument) -> tuple[Floats, str]:
    """Seconds of each request by aiperf; and what it says went wrong, in words."""
    project = load_project(root)
    dues = due_requests(project, project.endpoint("cards"), asked, "prod", "cpu")
    trace, made = root / "trace.jsonl", root / "aiperf"
    lines = [
        json.dumps({"timestamp": round(due.at * 1e3), "text": due.steps[0].inputs["prompt"]})
        for due in dues
    ]
    trace.write_text("\n".join(lines) + "\n")
    tokenizer = Path(__file__).parents[2] / "imgassets/tiny/weights/tiny-base/tokenizer"
    command = [
        str(tool), "profile", "--model", "prod", "--url", url.removesuffix("/v1"),
        "--endpoint-type", "image_generation", "--custom-dataset-type", "single_turn",
        "--fixed-schedule", "--input-file", str(trace), "--tokenizer", str(tokenizer),
        "--extra-inputs", "size:96x96", "--ui", "simple", "--artifact-dir", str(made),
        "--export-level", "records",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    found = list(made.rglob("profile_export.jsonl"))
    if not found:
        raise RuntimeError(f"aiperf made nothing: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    records = [json.loads(line) for line in found[0].read_text().splitlines()]
    good = [r["metrics"]["request_latency"]["value"] / 1e3 for r in records if not r.get("error")]
    failed = len(records) - len(good)
    return np.array(good), f", and {failed} failed" if failed else ""


# ---- the simulated queue -------------------------------------------------------------------


def beside_the_simulated() -> str:
    """The report's queue under the arrivals of a pilot, where its assumptions hold, and not."""
    rows = []
    cases = {
        "every batch takes 0.2 s, as simulated": (0.2, (0.2,)),
        "batches of 4 were measured at 0.8 s, single images take 0.2 s": (0.2, (0.8,)),
    }
    for name, (seconds, whole) in cases.items():
        log = Path(tempfile.mkdtemp()) / LOG
        with scratch() as root, waiting(root, log, seconds) as url:
            pilot = run(root, "prod", Where("cpu", url), document(requests=300, seed=3))
        told = {"service": tuple(one / 4 for one in whole), "batch": 4, "workers": 1}
        pilot = pilot.model_copy(update={"result": pilot.result.model_copy(update=told)})
        seen = np.array([row.first for row in pilot.requests if row.first is not None])
        expected = simulated(pilot)
        for label, share in SHARES.items():
            one, other = np.quantile(seen, share), np.quantile(expected, share)
            rows.append([name if label == "p50" else "", label, f"{one * 1e3:.0f}",
                         f"{other * 1e3:.0f}", f"{one / other - 1:+.0%}"])  # fmt: skip
    text = (
        "## Beside the simulated queue\n\nThe report's queue under the very arrivals of the pilot "
        "(10 a second, batches of 4). Where batches last as long as it takes them to last, it "
        "foresees the pilot. It takes every batch for a full one, so where single images are "
        "quicker than full batches it is too slow.\n"
    )
    head_ = ["served", "", "pilot, ms", "simulated, ms", "difference"]
    return text + "\n" + table(head_, rows)


# ---- bounds --------------------------------------------------------------------------------


def coverage(runs: int) -> str:
    """How often the upper bound of p95 lies above the truth, where requests wait in one queue."""
    rows = []
    for load in (0.3, 0.6, 0.8):
        truth = np.quantile(_sojourns(load, 400_000, 0), 0.95)
        for requests in (300, 1000):
            plain, mine, none = [], [], 0
            for number in range(runs):
                values = _sojourns(load, requests, number + 1)
                found = bounded_quantile(values, 0.95, 0.05)
                none += found.upper is None
                mine.append(found.upper is None or found.upper >= truth)
                shuffled = np.random.default_rng(number).permutation(values)
                upper = bounded_quantile(shuffled, 0.95, 0.05).upper
                plain.append(upper is None or upper >= truth)
            rows.append([f"{load:.0%}", f"{requests}", f"{np.mean(mine):.1%}",
                         f"{np.mean(plain):.1%}", f"{none / runs:.1%}"])  # fmt: skip
    text = (
        "## Bounds of quantiles\n\nHow often the upper bound of p95 lies at or above the true p95 "
        "(it promises 95 %), for one worker with a fixed service time and Poisson arrivals, begun "
        f"with an empty queue; {runs:,} runs a row. Requests in one queue are late together; who "
        "takes them for independent is surer than the data allow.\n"
    )
    head_ = ["load", "requests", "holds", "taken for independent", "says there are too few"]
    return text + "\n" + table(head_, rows)


def _sojourns(load: float, requests: int, seed: int) -> Floats:
    arrivals = np.cumsum(np.random.default_rng([seed, 9]).exponential(1 / load, requests))
    waited, takes = queued(arrivals, np.ones(requests), 1, 1)
    return waited + takes


if __name__ == "__main__":
    main()
