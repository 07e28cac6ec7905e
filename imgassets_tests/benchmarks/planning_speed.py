"""Seconds and memory of planning, and of a validation that has nothing to do.

    python -m imgassets_tests.benchmarks.planning_speed

Each figure is of a fresh process, so imports count too; they are told apart, and the command is
timed once more as a whole, from the interpreter's start to its end. The demo is that of
$IMGASSETS_HOME; run `imgassets validate` first. Appends its table to docs/incremental.md, below its
last heading.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from imgassets.storage.project_home import home_of
from imgassets_tests.conftest import edit_file, write_project
from imgassets_tests.integration.small import write_small_project

PROMPTS, SEEDS = 2505, 10
HEADING = "## Speed\n"
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "incremental.md"
_COMMAND = "from imgassets.cli.main import entry; entry()"
_CHILD = """
import contextlib, io, json, resource, sys, time
start = time.perf_counter()
from imgassets.cli.main import main
from imgassets.defs import headless
from imgassets.refresh import dagster_runs, plan_text, planner
from dagster._core.storage import sqlalchemy_compat
import dagster._core.storage.runs, dagster._core.storage.event_log, alembic.command
imported = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()) as out:
    code = main(sys.argv[1:])
done = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([imported - start, done - imported, peak, code, out.getvalue()]))
"""


def write_large_project(root: Path) -> None:
    """Two models, two flows, 2,505 prompts with ten seeds: 100,200 requests."""
    write_project(root)
    contract = root / "contracts" / "endpoints" / "cards.yaml"
    edit_file(contract, "seeds: [5, 6]", f"seeds: {list(range(SEEDS))}")
    edit_file(contract, "[generate, edit, upscale]", "[generate, upscale]")
    prompts = [
        f"  - id: p{n}\n    prompt: a large red circle, number {n}\n"
        "    expect: {include: [{class: circle, color: red}], text: HI}\n"
        for n in range(PROMPTS)
    ]
    (root / "prompts" / "few.yaml").write_text("prompt_set: few\nprompts:\n" + "".join(prompts))


def measured(
    root: Path, home: Path, *command: str
) -> tuple[tuple[float, float, float, float], str]:
    """Seconds of imports, after them and of the whole, peak MiB; and the command's output."""
    environment = os.environ | {
        "IMGASSETS_PROJECT": str(root),
        "IMGASSETS_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
    }
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command], env=environment, capture_output=True, check=True
    )
    imports, seconds, peak, code, output = json.loads(done.stdout.splitlines()[-1])
    if code not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    start = time.perf_counter()
    whole = [sys.executable, "-c", _COMMAND, *command]
    subprocess.run(whole, env=environment, capture_output=True, check=False)
    return (imports, seconds, time.perf_counter() - start, peak), output


def rows(folder: Path) -> list[tuple[str, float, float, float, float]]:
    small, large = folder / "small", folder / "large"
    write_small_project(small)
    write_large_project(large)
    home = small / ".imgassets"
    measured(small, home, "validate")
    nothing, _ = measured(small, home, "validate")
    planned, _ = measured(small, home, "plan", "--json")
    demo, todo = measured(ROOT, home_of(ROOT).folder, "plan", "--json")
    many, output = measured(large, large / ".imgassets", "plan", "--json")
    count = sum(json.loads(output)["images"].values())
    return [
        (f"`plan` of the demo, {len(json.loads(todo)['assets'])} assets to make", *demo),
        ("`plan` of the small project, nothing to do", *planned),
        ("`validate` of the small project, nothing to do", *nothing),
        (f"`plan` of {count:,} requests, none in the store", *many),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder))
    lines = [
        HEADING,
        "Written by `python -m imgassets_tests.benchmarks.planning_speed`, fresh processes:",
        "",
        "| what | imports, s | after them, s | whole command, s | peak memory, MiB |",
        "|---|---|---|---|---|",
        *(f"| {what} | {i:.1f} | {s:.1f} | {w:.1f} | {m:.0f} |" for what, i, s, w, m in found),
    ]
    before, _, after = PAGE.read_text().partition(HEADING)
    kept = after.partition("\n\nThe plan imports")
    PAGE.write_text(before + "\n".join(lines) + "".join(kept[1:]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
