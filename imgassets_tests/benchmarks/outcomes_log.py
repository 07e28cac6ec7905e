"""Measures the log of outcomes, and writes docs/measurements/outcomes.md.

    python -m imgassets_tests.benchmarks.outcomes_log [--days 7]

100,000 outcomes a day are read from JSON lines and kept, sent over HTTP, and looked at. Twenty
processes that write are killed at a random moment.
"""

from __future__ import annotations

import argparse
import random
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette

from imgassets.rollout.looks import Stage, take_look
from imgassets.rollout.outcome_lines import read_outcomes
from imgassets.rollout.outcomes import OutcomeLog
from imgassets.rollout.outcomes_server import outcome_routes
from imgassets.rollout.threshold import Limits
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.rollout.test_outcomes import START, killed_writer

PAGE = Path(__file__).parents[2] / "docs/measurements/outcomes.md"
DAY = 100_000
_LINE = '{{"id": "{}", "at": "{}", "arm": "{}", "status": "{}", "seconds": 1.25, "user": "u{}"}}\n'


def lines(first: int, count: int) -> str:
    """Outcomes as an application writes them; 10 % are the candidate's, 1 % failed."""
    rng, step = random.Random(first), timedelta(days=1) / DAY
    text = []
    for i in range(first, first + count):
        arm = "candidate" if rng.random() < 0.1 else "incumbent"
        status = "timed_out" if rng.random() < 0.01 else "ok"
        at = (START + i * step).isoformat()
        text.append(_LINE.format(f"r{i}", at, arm, status, i % 50_000))
    return "".join(text)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def taken_in(log: OutcomeLog, days: int) -> float:
    """Seconds to read and keep a day, in batches of 10,000 lines; the mean over days."""
    now, took = START + timedelta(days=days + 1), 0.0
    for first in range(0, days * DAY, 10_000):
        text = lines(first, 10_000)
        took += timed(lambda text=text: log.append(read_outcomes(text, "log", now).outcomes))
    return took / days


@contextmanager
def served(log: OutcomeLog, days: int) -> Iterator[str]:
    """A server on loopback that keeps outcomes."""
    now = START + timedelta(days=days + 2)
    app = Starlette(routes=outcome_routes({"e": log}.get, "token", lambda: now))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/outcomes/e"
    finally:
        server.should_exit = True
        thread.join(10)


def posts(log: OutcomeLog, days: int, batch: int, count: int) -> list[float]:
    """Seconds of each request with so many lines, in order of length."""
    took, first = [], days * DAY + batch * 10
    with served(log, days) as address, httpx.Client() as client:
        for number in range(count):
            body, head = lines(first + number * batch, batch), {"authorization": "Bearer token"}
            began = time.perf_counter()
            client.post(address, content=body, headers=head).raise_for_status()
            took.append(time.perf_counter() - began)
    return sorted(took)


def looks(log: OutcomeLog, days: int) -> Iterator[list[str]]:
    """How long a pass takes over stages of different length, with a look and without."""
    now, limits = START + timedelta(days=days), Limits(0.0025)
    for back in (1, days):
        stage = Stage("r", "10", now - timedelta(days=back), 0.1)
        took = [1000 * timed(lambda s=stage: take_look(log, s, limits, now)) for _ in range(3)]
        yield [f"{back * DAY:,}", f"{took[0]:.0f} ms", f"{min(took[1:]):.0f} ms"]


def killed(folder: Path) -> tuple[int, int, int]:
    """Of twenty writers that were killed: outcomes acknowledged, lost, counted twice."""
    log, rng, said = OutcomeLog(folder / "killed.sqlite"), random.Random(1), set[str]()
    for run in range(20):
        said.update(killed_writer(log, run, rng.uniform(0, 0.3)))
    with sqlite3.connect(log.file) as database:
        kept = [row[0] for row in database.execute("SELECT id FROM outcomes")]
    return len(said), len(said - set(kept)), len(kept) - len(set(kept))


def write(days: int) -> None:
    """The page."""
    with tempfile.TemporaryDirectory() as folder:
        log = OutcomeLog(Path(folder) / "e.sqlite")
        day = taken_in(log, days)
        size = log.file.stat().st_size / 2**20
        seen = table(
            ["outcomes in the stage", "a pass that takes a look", "a pass that takes none"],
            list(looks(log, days)),
        )
        sent = [(n, posts(log, days, n, 60)) for n in (1, 100, 1000)]
        acknowledged, lost, twice = killed(Path(folder))
    http = table(
        ["lines a request", "median", "worst of 60"],
        [[f"{n:,}", f"{1000 * t[30]:.0f} ms", f"{1000 * t[-1]:.0f} ms"] for n, t in sent],
    )
    PAGE.write_text(
        "# The log of outcomes, measured\n\nWritten by `python -m imgassets_tests.benchmarks."
        f"outcomes_log --days {days}` on two cores that others used as well. How it works: "
        "[Outcomes](../outcomes.md).\n\n"
        f"A day of {DAY:,} JSON lines is read and kept in {day:.0f} s, in batches of 10,000. "
        f"{days} days take {size:.0f} MiB.\n\n## A pass of `watch`\n\n{seen}\n"
        f"## Over HTTP, answered when it is on the disk\n\n{http}\n## SIGKILL\n\n"
        f"Of 20 writers killed at a random moment, {acknowledged:,} outcomes were acknowledged: "
        f"**{lost} were lost, {twice} were counted twice**.\n",
        encoding="utf-8",
    )


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=7)
    write(parser.parse_args().days)


if __name__ == "__main__":
    main()
