"""Hosted backends against a provider that misbehaves: each fault alone, all at once, and kills.

`python -m imgassets_tests.benchmarks.hosted_faults` runs the product's own path (`make_images`
with store, journal and backend) against the fakes of `imgassets_tests/fakes/` over real sockets,
and writes its tables into docs/hosted.md. A share of 20 % of all requests meets a fault. After a
first run a plain second one follows, as a person would start it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imgassets.backends.generation import make_images
from imgassets.backends.journal import Journal
from imgassets.backends.registry import maker_of, open_backend
from imgassets.documents.hosted import HostedModel
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore
from imgassets_tests.backends.hosted_models import FAKES, asked, model_of, provider
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.fakes.faults import FAULTS, Misbehaviour, faults_of
from imgassets_tests.fakes.server import SECRET, FakeProvider

PAGE = Path(__file__).parents[2] / "docs/hosted.md"
BEGIN, END = "<!-- fault campaign begins -->", "<!-- fault campaign ends -->"
SHARE, ALONE, TOGETHER, KILLS = 0.2, 50, 400, 12
LIMITS = {"timeout_seconds": 3.0, "attempts": 8, "max_in_flight": 8, "backoff_seconds": 0.01}
HEAD = (
    "fault",
    "images",
    "met",
    "had at once",
    "had in the end",
    "not had, and why",
    "billed",
    "billed twice",
    "slowest run",
)


@dataclass(frozen=True)
class Ran:
    """What came of one campaign."""

    fault: str
    images: int
    met: int
    had: tuple[int, int]
    failures: Counter[str]
    billed: int
    twice: int
    counted: bool
    could: int
    slowest: float
    clean: bool

    @property
    def ok(self) -> bool:
        """Had what could be had, paid nothing twice, hid nothing, counted every bill."""
        explained = sum(self.failures.values()) + self.had[1] == self.images
        return (
            self.had[1] >= self.could
            and not self.twice
            and self.counted
            and self.clean
            and explained
            and self.slowest < 60
        )

    def row(self) -> list[str]:
        why = ", ".join(f"{n} {mode}" for mode, n in sorted(self.failures.items())) or "-"
        return [
            self.fault,
            str(self.images),
            str(self.met),
            str(self.had[0]),
            str(self.had[1]),
            why,
            str(self.billed),
            str(self.twice),
            f"{self.slowest:.1f} s",
        ]


def run(api: str, label: str, shares: dict[str, float], count: int) -> Ran:
    """Two runs of `count` images against a provider that misbehaves so."""
    model = model_of(api, LIMITS)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        with provider(patch, api, Misbehaviour(shares, seed=7), slow_seconds=4.0) as fake:
            first, seconds = made(model, root, count)
            second, more = made(model, root, count)
            return Ran(
                fault=label,
                images=count,
                met=sum(fake.met.values()),
                had=(int((first == "ok").sum()), int((second == "ok").sum())),
                failures=Counter(second[second != "ok"]),
                billed=sum(fake.bills.values()),
                twice=sum(n > 1 for n in fake.bills.values()),
                counted=Journal(root / ".imgassets/paid", model.model).spent()
                >= 0.06 * sum(fake.bills.values()) - 1e-9,
                could=could_be_had(fake),
                slowest=max(seconds, more),
                clean=not fake.leaks and not leaked(root),
            )


def could_be_had(fake: FakeProvider) -> int:
    """Requests that met nothing that ends without an image."""
    return sum(
        all(fault is None or not FAULTS[fault].ends_as for fault in met)
        for met in fake.history.values()
    )


def leaked(root: Path) -> bool:
    return any(SECRET.encode() in p.read_bytes() for p in root.rglob("*") if p.is_file())


def made(model: HostedModel, root: Path, count: int) -> tuple[pd.Series, float]:
    """Status of each image after one run of the product's own path, and its seconds."""
    requests = [
        Request("e", model.model, "generate", "s", f"p{i}", int(inputs["seed"]), 0, inputs)
        for i, inputs in enumerate(asked(model, count))
    ]
    start = time.perf_counter()
    images, _ = make_images(
        requests,
        ImageStore(root / ".imgassets/images"),
        maker_of("generate", open_backend(root, model, "cpu")),
        batch_size=model.batch_size,
        progress=lambda *_: None,
    )
    return images["status"], time.perf_counter() - start


# ---- kills --------------------------------------------------------------------------------

KILLED = """
import sys
from pathlib import Path
from imgassets_tests.backends.hosted_models import model_of
from imgassets_tests.benchmarks.hosted_faults import LIMITS, made

api, root, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
made(model_of(api, LIMITS), root, count)
"""


def killed(api: str, count: int, kills: int) -> dict[str, Any]:
    """SIGKILL at random moments, run again each time, then one run that may end."""
    rng = random.Random(11)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        with provider(patch, api) as fake:
            done = 0
            for _ in range(kills):
                before = sum(fake.posts.values())
                process = subprocess.Popen(
                    [sys.executable, "-c", KILLED, api, folder, str(count)], env=dict(os.environ)
                )
                while sum(fake.posts.values()) == before and process.poll() is None:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0.0, 0.4))
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    done += 1
                process.wait()
            status, _ = made(model_of(api, LIMITS), root, count)
            return {
                "api": api,
                "images": count,
                "kills": done,
                "had": int((status == "ok").sum()),
                "lost": dict(Counter(status[status != "ok"])),
                "billed": sum(fake.bills.values()),
                "twice": sum(n > 1 for n in fake.bills.values()),
            }


# ---- the page -----------------------------------------------------------------------------


def main() -> int:
    """Run everything, write the page; 1 where a promise was broken."""
    results = {api: campaign(api) for api in FAKES}
    kills = [killed(api, 120, KILLS) for api in FAKES]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{report(results, kills)}\n{END}{after}", encoding="utf-8")
    broken = [f"{api}: {r}" for api, ran in results.items() for r in ran if not r.ok]
    broken += [str(k) for k in kills if k["twice"]]
    print("\n".join(broken) or "all promises held")
    return 1 if broken else 0


def campaign(api: str) -> list[Ran]:
    ran = []
    for fault in faults_of(api):
        ran.append(run(api, FAULTS[fault].what, {fault: SHARE}, ALONE))
        print(api, fault, "ok" if ran[-1].ok else f"BROKEN {ran[-1]}", flush=True)
    shares = dict.fromkeys(faults_of(api), SHARE / len(faults_of(api)))
    ran.append(run(api, "**all of these, 20 % together**", shares, TOGETHER))
    print(api, "all", "ok" if ran[-1].ok else f"BROKEN {ran[-1]}", flush=True)
    return ran


def report(results: dict[str, list[Ran]], kills: list[dict[str, Any]]) -> str:
    parts = [
        f"Written by `python -m imgassets_tests.benchmarks.hosted_faults`: {SHARE:.0%} of the "
        "requests meet the fault; a first run, then a plain second one; 8 requests in flight, "
        "3 s allowed a reply.\n"
    ]
    for api, ran in results.items():
        broken = sum(not r.ok for r in ran)
        parts.append(
            f"**{api.capitalize()}**: {len(ran)} campaigns, {sum(r.images for r in ran)} images, "
            f"{sum(r.met for r in ran)} faults met; everything that could be had was there in "
            f"{len(ran) - broken} of {len(ran)}; {sum(r.twice for r in ran)} images were billed "
            f"twice; the slowest run took {max(r.slowest for r in ran):.1f} s.\n"
        )
        parts.append(table(HEAD, [r.row() for r in ran]))
    parts.append("**SIGKILL at random moments**, run again each time:\n")
    parts.append(
        table(
            ("API", "images", "kills", "had", "lost", "billed", "billed twice"),
            [
                [
                    str(k["api"]),
                    str(k["images"]),
                    str(k["kills"]),
                    str(k["had"]),
                    ", ".join(f"{n} {mode}" for mode, n in k["lost"].items()) or "-",
                    str(k["billed"]),
                    str(k["twice"]),
                ]
                for k in kills
            ],
        )
    )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
