"""Seconds and memory of planning, and of a validation that has nothing to do.

    python -m imgassets_tests.benchmarks.planning_speed

Each figure is of a fresh process, so imports count too; they are told apart. Appends its table to
docs/incremental.md, below its last heading.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from imgassets_tests.conftest import edit_file, write_project
from imgassets_tests.integration.small import write_small_project

PROMPTS, SEEDS = 2505, 10
PAGE = Path(__file__).parents[2] / "docs" / "incremental.md"
HEADING = "## Speed\n"
_CHILD = """
import contextlib, io, json, resource, sys, time
start = time.perf_counter()
from imgassets.cli import main
from imgassets import running
from imgassets.lineage import planning_words
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


def measured(root: Path, *command: str) -> tuple[float, float, float, str]:
    """Seconds of imports, seconds after them, peak MiB and output of one command."""
    environment = os.environ | {
        "IMGASSETS_PROJECT": str(root),
        "DAGSTER_HOME": str(root / ".imgassets" / "dagster"),
    }
    environment.pop("IMGASSETS_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command], env=environment, capture_output=True, check=True
    )
    imports, seconds, peak, code, output = json.loads(done.stdout.splitlines()[-1])
    if code not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    return imports, seconds, peak, output


def rows(folder: Path) -> list[tuple[str, float, float, float]]:
    small, large = folder / "small", folder / "large"
    write_small_project(small)
    write_large_project(large)
    measured(small, "validate")
    *nothing, _ = measured(small, "validate")
    *planned, _ = measured(small, "plan", "--json")
    *many, output = measured(large, "plan", "--json")
    images = json.loads(output)["images"]
    count = sum(images.values())
    return [
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
        "| what | imports, s | after them, s | peak memory, MiB |",
        "|---|---|---|---|",
        *(f"| {what} | {i:.1f} | {s:.1f} | {peak:.0f} |" for what, i, s, peak in found),
    ]
    before, _, after = PAGE.read_text().partition(HEADING)
    kept = after.partition("\n\nThe plan imports")
    PAGE.write_text(before + "\n".join(lines) + "".join(kept[1:]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
