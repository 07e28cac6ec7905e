"""Break validations in every way a machine can, run again, and compare with an undisturbed run.

    python -m imgassets_tests.benchmarks.crash_campaign

SIGKILL at random moments and in the middle of writing an image and a table, a full disk and a
read-only store (small tmpfs mounts, so it needs root), two runs at once, a harmed image and a
harmed table. Writes docs/measurements/crashes.md.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pandas as pd

from imgassets.storage.image_store import ImageStore
from imgassets_tests.integration.forked import (
    die_in_a_store_write,
    die_in_a_table_write,
    validate_in_a_fork,
    warm_up,
)
from imgassets_tests.integration.small import at_home, same_tables, write_small_project

KILLS = 20
SEED = 4
PAGE = Path(__file__).parents[2] / "docs/measurements/crashes.md"


@dataclass(frozen=True)
class Case:
    """What one way of breaking a run came to.

    Attributes:
        what: was done.
        first: how the disturbed run ended.
        kept: images stored whole before the second run.
        again: of those, how many were made again; must be 0 but for harmed ones.
        quarantined: files moved aside.
        equal: whether all tables equal those of the undisturbed run.
    """

    what: str
    first: str
    kept: int
    again: int
    quarantined: int
    equal: bool


def stored(root: Path) -> dict[str, int]:
    """Images of a project by key, with the moment each was written."""
    store = ImageStore(root / ".imgassets" / "images")
    return {key: store.path(key).stat().st_mtime_ns for key in list(store.keys())}


def run_again(what: str, first: str, root: Path, truth: Path) -> Case:
    """A plain second run, and what is left of the trouble."""
    before = stored(root)
    ended = validate_in_a_fork(root).wait()
    after = stored(root)
    again = sum(after.get(key) != when for key, when in before.items())
    home = root / ".imgassets"
    aside = [p for p in home.glob("**/quarantine/**/*") if p.is_file() and p.name != "record.json"]
    equal = ended in (0, 1) and same_tables(root, truth)
    case = Case(what, first, len(before), again, len(aside), equal)
    print(case, flush=True)
    return case


def killed_at(seconds: float, root: Path) -> str:
    run = validate_in_a_fork(root)
    time.sleep(seconds)
    run.kill(signal.SIGKILL)
    return "killed" if run.wait() == -signal.SIGKILL else "ended before"


def died(root: Path, prepare: Callable[[], None]) -> str:
    return "killed" if validate_in_a_fork(root, prepare).wait() == -signal.SIGKILL else "ended"


def on_a_mount(root: Path, options: str, before: Callable[[Path], None] | None = None) -> str:
    """A run whose image store lies on a small tmpfs; the images go back to the disk afterwards."""
    images = root / ".imgassets" / "images"
    images.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", images], check=True)
    try:
        if before:
            before(images)
        run = validate_in_a_fork(root)
        ended = run.wait()
        subprocess.run(["mount", "-o", "remount,rw,size=64m", images], check=True)
        shutil.copytree(images, root / "saved")
    finally:
        subprocess.run(["umount", images], check=True)
    shutil.rmtree(images)
    shutil.move(root / "saved", images)
    return f"exit {ended}: {run.last_words()}"


def read_only(images: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", images], check=True)


def made(root: Path) -> int:
    """Images made in all runs of a project, as their assets tell."""
    with at_home(root) as instance:
        records = instance.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION)
        )
    told = [r.event_log_entry.asset_materialization.metadata.get("made_now") for r in records]
    return sum(count.value for count in told if count)


def two_at_once(root: Path) -> str:
    runs = [validate_in_a_fork(root), validate_in_a_fork(root)]
    ended = " and ".join(f"exit {run.wait()}" for run in runs)
    return f"{ended}, {made(root)} images made by the two together"


def harm_an_image(root: Path) -> str:
    validate_in_a_fork(root).wait()
    store = ImageStore(root / ".imgassets" / "images")
    path = store.path(sorted(store.keys())[0])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    return "one byte of an image flipped"


def harm_a_table(root: Path) -> str:
    validate_in_a_fork(root).wait()
    path = root / ".imgassets" / "tables" / "cards" / "fast" / "composition.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    return "the last 100 bytes of a table lost"


def timed_run(root: Path) -> float:
    start = time.monotonic()
    validate_in_a_fork(root).wait()
    return time.monotonic() - start


def campaign(folder: Path) -> list[Case]:
    def project(name: str) -> Path:
        root = folder / name
        write_small_project(root)
        return root

    truth = project("truth")
    whole = min(timed_run(truth), timed_run(project("again")))
    print(f"an undisturbed run takes {whole:.1f} s, {len(stored(truth))} images", flush=True)
    cases: list[Case] = []
    draw = random.Random(SEED)
    for number in itertools.count():
        seconds, root = draw.uniform(0, whole), project(f"kill{number}")
        ended = killed_at(seconds, root)
        if ended == "killed":  # not one that was quicker
            cases.append(
                run_again(f"SIGKILL after {seconds:.1f} s of {whole:.1f}", ended, root, truth)
            )
        shutil.rmtree(root)
        if len(cases) == KILLS:
            break
    for what, disturb in {
        "SIGKILL in the middle of writing image 7": lambda r: died(r, die_in_a_store_write(7)),
        "SIGKILL in the middle of writing table 9": lambda r: died(r, die_in_a_table_write(9)),
        "image store on a full disk": lambda r: on_a_mount(r, "size=96k"),
        "image store read-only": lambda r: on_a_mount(r, "size=1m", read_only),
        "two runs at once": two_at_once,
        "a stored image harmed": harm_an_image,
        "a table harmed": harm_a_table,
    }.items():
        root = project(what.replace(" ", "-"))
        cases.append(run_again(what, disturb(root), root, truth))
    return cases


def page(cases: list[Case]) -> str:
    rows = pd.DataFrame(
        [
            {
                "what": c.what,
                "the disturbed run": c.first.replace("|", "/"),
                "images kept": c.kept,
                "made again": c.again,
                "in quarantine": c.quarantined,
                "tables equal": "yes" if c.equal else "NO",
            }
            for c in cases
        ]
    )
    whole = sum(c.equal for c in cases)
    head = (
        "# Crashes, and what a plain second run makes of them\n\n"
        f"Written by `python -m imgassets_tests.benchmarks.crash_campaign` (seed {SEED}): the "
        "smallest project (28 images, 31 assets), disturbed in one way a row, then "
        f"`imgassets validate` again. {whole} of {len(cases)} ended with every table equal to "
        "an undisturbed run's (measured seconds, memory and what follows from them aside).\n\n"
    )
    lines = ["| " + " | ".join(rows.columns) + " |", "|" + "---|" * len(rows.columns)]
    lines += ["| " + " | ".join(str(v) for v in row) + " |" for row in rows.itertuples(index=False)]
    return head + "\n".join(lines) + "\n"


def main() -> int:
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        cases = campaign(Path(folder))
    PAGE.write_text(page(cases))
    return 0 if all(c.equal for c in cases) else 1


if __name__ == "__main__":
    os.environ.pop("IMGASSETS_HOME", None)
    sys.exit(main())
