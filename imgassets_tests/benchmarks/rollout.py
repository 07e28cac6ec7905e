"""Measure rollouts with the real SDKs, and write docs/measurements/rollout.md.

    python -m imgassets_tests.benchmarks.rollout

Which users get the candidate in every SDK that can be installed; how long a revert takes to be
seen; what is left after SIGKILL at random moments. Needs npm and PyPI the first time.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.pool
import os
import platform
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from imgassets.rollout import steps
from imgassets.rollout.record import read_record
from imgassets.rollout.verify import verify
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.rollout.factories import begin, files_in, step
from imgassets_tests.rollout.sdks import (
    JAVASCRIPT,
    PYTHON,
    Application,
    javascript_application,
    python_application,
)
from imgassets_tests.rollout.test_sdks import USERS, go, models, seen, served, wanted_at
from imgassets_tests.rollout.test_two_operators import anything

PAGE = Path(__file__).parents[2] / "docs/measurements/rollout.md"
REVERTS, SLOW_REVERTS, KILLS = 100, 10, 200
#: What flagd offers for shares of users, for comparison.
FRACTIONAL = {
    "flags": {
        "headline": {
            "state": "ENABLED",
            "variants": {"incumbent": "tiny-base", "candidate": "tiny-turbo"},
            "defaultVariant": "incumbent",
            "targeting": {"fractional": [["candidate", 50], ["incumbent", 50]]},
        }
    }
}


def project() -> Path:
    root = Path(tempfile.mkdtemp())
    (root / "contracts").mkdir()
    return root


def everybody(root: Path) -> dict[str, list[str]]:
    """The model of each user, by SDK, for the flags of a project."""
    found = {}
    with served(root) as port:
        for name, application in [
            *((f"Python, provider {p}", python_application(root, p)) for p in PYTHON),
            *(
                (f"JavaScript, flagd provider {p}", javascript_application(root, None, p))
                for p in JAVASCRIPT
            ),
            ("JavaScript, OFREP", javascript_application(root, port)),
        ]:
            found[name] = models(application, USERS)
            application.close()
    return found


def buckets() -> str:
    """How many users get the model that the stated hash says, and how many by `fractional`."""
    ours, theirs = project(), project()
    go(files_in(ours), 50)
    (theirs / "rollout").mkdir()
    files_in(theirs).flags.write_text(json.dumps(FRACTIONAL))
    found, by_flagd = everybody(ours), everybody(theirs)
    newest = by_flagd["JavaScript, flagd provider 0.16.1"]
    rows = [
        [
            name,
            f"{_equal(given, wanted_at(50)):,}",
            f"{_equal(by_flagd[name], newest):,}",
        ]
        for name, given in found.items()
    ]
    head = ["SDK", "as the stated hash says", "`fractional`: as JavaScript 0.16.1"]
    return table(head, rows)


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


def reverts() -> str:
    """Seconds until each application got the incumbent, from the moment `revert` was called."""
    root = project()
    files = files_in(root)
    go(files, 100)
    with served(root) as port:
        fast = {
            "Python, provider 0.6.1, its own pace (500 ms)": python_application(root),
            "JavaScript, OFREP": javascript_application(root, port),
        }
        slow = {"JavaScript, flagd provider 0.16.1": javascript_application(root)}
        told = _measured(files, fast, REVERTS) | _measured(files, slow, SLOW_REVERTS)
        for application in (*fast.values(), *slow.values()):
            application.close()
    rows = [
        [
            name,
            str(len(seconds)),
            f"{statistics.median(seconds):.3f}",
            f"{max(seconds):.3f}",
            f"{sum(s < 2 for s in seconds)} of {len(seconds)}",
        ]
        for name, seconds in told.items()
    ]
    return table(["application", "reverts", "median, s", "slowest, s", "under 2 s"], rows)


def _measured(
    files: RolloutFiles, applications: dict[str, Application], times: int
) -> dict[str, list[float]]:
    told: dict[str, list[float]] = {name: [] for name in applications}
    choose = random.Random(7)
    for _ in range(times):
        for application in applications.values():
            seen(application, "tiny-turbo")
            application.tell(json.dumps({"until": "tiny-base", "user": "ada"}))
        time.sleep(choose.uniform(0, 0.5))  # at any moment between two looks
        begun = time.monotonic()
        steps.revert(files, step(of="headline"))
        context = multiprocessing.pool.ThreadPool(len(applications))
        names = list(applications)
        ends = context.map(lambda name: (applications[name].answer(), time.monotonic())[1], names)
        context.close()
        for name, end in zip(names, ends, strict=True):
            told[name].append(end - begun)
        go(files, 100)
    return told


def kills() -> str:
    """Two operators at once, killed at random moments; what each round left."""
    files = files_in(project())
    begin(files)
    choose, fork = random.Random(11), multiprocessing.get_context("fork")
    unsettled = repairs = lost = moved = tampered = 0
    for round_ in range(KILLS):
        pair = [
            fork.Process(target=anything, args=(files, f"op-{i}", 2 * round_ + i)) for i in range(2)
        ]
        for operator in pair:
            operator.start()
        time.sleep(choose.uniform(0.02, 0.12))
        for operator in pair:
            os.kill(operator.pid or 0, signal.SIGKILL)
            operator.join()
        before, found = read_record(files), verify(files)
        flag = before.in_flag("cards")
        unsettled += bool(found.unsettled)
        tampered += bool(found.tampering)
        after = steps.settled(files, "eve", step().now)
        last = after.last("cards")
        lost += after.entries[: len(before.written.entries)] != before.written.entries
        moved += flag is None or last is None or flag.traffic() != last.traffic()
        repairs += len(after.entries) - len(before.entries)
    entries = len(read_record(files).entries)
    rows = [
        ["rounds of two operators, both killed after 20 to 120 ms", str(KILLS)],
        ["lines of the history at the end", f"{entries:,}"],
        ["rounds that left flag and history apart", str(unsettled)],
        ["lines that the next command added to settle them", str(repairs)],
        ["rounds in which a line was lost", str(lost)],
        ["rounds in which settling moved a user", str(moved)],
        ["rounds taken for tampering", str(tampered)],
    ]
    return table(["what", "number"], rows)


def main() -> None:
    """All of it."""
    text = [
        "# Rollouts with real SDKs",
        "Written by `python -m imgassets_tests.benchmarks.rollout` on "
        f"{platform.machine()}, {os.cpu_count()} cores.",
        "## The same user, the same model",
        f"{len(USERS):,} users at 50 %, among them empty, long, accented and Chinese names. The "
        "second column counts those whose model is the one that the stated hash "
        "([docs/flags.md](../flags.md)) says. The third is flagd's own `fractional`: how many get "
        "the model that JavaScript's newest provider gives them; half would be chance.",
        buckets(),
        "## How soon a revert is seen",
        "From the call of `revert` to the first answer with the incumbent, by applications that "
        "ask all the time. Files of flags are on the disk before the call returns.",
        reverts(),
        "## SIGKILL",
        "Two processes start, promote, freeze, unfreeze and revert the same endpoint at random "
        "until they are killed. A test besides kills each step at every single system call that "
        "changes a file (`imgassets_tests/rollout/test_cut_off.py`).",
        kills(),
    ]
    PAGE.write_text("\n\n".join(part.rstrip() for part in text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
