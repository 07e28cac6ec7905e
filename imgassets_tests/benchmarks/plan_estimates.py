"""What `imgassets plan` says a change will take, beside what `imgassets validate` then takes.

    python -m imgassets_tests.benchmarks.plan_estimates

Fresh processes, one change after the other, on the small project of the tests. Writes its table
into docs/incremental.md, below its heading. Let nothing else run meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import write_small_project

PAGE = Path(__file__).parents[2] / "docs" / "incremental.md"
HEADING = "## Estimated and actual\n"
PROMPT = """\
  - id: green-square
    prompt: a large green square
    expect: {include: [{class: square, color: green}]}
"""
#: Title, file, and how its text is changed.
CHANGES: list[tuple[str, str, Callable[[str], str]]] = [
    ("nothing", "prompts/few.yaml", lambda text: text),
    ("a threshold", "contracts/endpoints/cards.yaml", lambda t: t.replace("0.1,", "0.2,")),
    ("one prompt added to 3", "prompts/few.yaml", lambda text: text + PROMPT),
    (
        "a model's steps",
        "contracts/models/fast.yaml",
        lambda t: t.replace("{steps: 1, guid", "{steps: 2, guid", 1),
    ),
    (
        "a prompt transform: all images anew",
        "prompts/few.yaml",
        lambda text: text.replace('" on white"', '", on white"'),
    ),
    (
        "six times the seeds",
        "contracts/endpoints/cards.yaml",
        lambda t: t.replace("[5, 6]", str([*range(5, 17)])),
    ),
]


def command(root: Path, *arguments: str) -> tuple[str, float]:
    """What a command prints, and the seconds it took."""
    environment = os.environ | {"IMGASSETS_PROJECT": str(root)}
    for name in ("IMGASSETS_HOME", "DAGSTER_HOME"):
        environment.pop(name, None)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "imgassets.cli.main", *arguments],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    return done.stdout, time.perf_counter() - start


def row(root: Path, what: str, file: str, change: Callable[[str], str]) -> str:
    text = (root / file).read_text()
    edit_file(root / file, text, change(text))
    plan = json.loads(command(root, "plan", "--json")[0])
    took = command(root, "validate", "--quiet")[1]
    images, guess = sum(plan["images"].values()), plan["total_seconds"]
    parts = (plan["seconds"], plan["score_seconds"], plan["other_seconds"])
    told = " | ".join(f"{part:.0f}" for part in parts)
    print(what, plan["images"], f"{guess:.1f} s guessed, {took:.1f} s", file=sys.stderr, flush=True)
    times = f"{guess:.0f} | {took:.0f} | {guess / took:.2f}"
    return f"| {what} | {len(plan['assets'])} | {images} | {told} | {times} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_small_project(root)
        command(root, "validate", "--quiet")
        rows = [row(root, *change) for change in CHANGES]
    lines = [
        HEADING,
        "Written by `python -m imgassets_tests.benchmarks.plan_estimates`, seconds:",
        "",
        "| change | assets | images | to make | to score | other | estimated | actual | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
    ]
    before, _, after = PAGE.read_text(encoding="utf-8").partition(HEADING)
    kept = after[after.index("\n## ") :] if "\n## " in after else ""
    PAGE.write_text(before + "\n".join(lines) + "\n" + kept, encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
