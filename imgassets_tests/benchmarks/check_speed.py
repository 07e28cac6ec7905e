"""CPU seconds to check prompt sets of growing length, and how the time grows with the length.

    python -m imgassets_tests.benchmarks.check_speed

A ratio near that of the lengths is linear; its square is quadratic. Median of three loads in one
process, without the interpreter's start.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from imgassets.documents.project import load_project

LENGTHS = (7_500, 15_000, 30_000)
_LINE = (
    "  - {{id: p{0}, prompt: a red circle on white {0}, "
    "expect: {{include: [{{class: circle, color: red}}]}}}}\n"
)


def seconds(length: int) -> float:
    """Median CPU seconds of loading a project with one prompt set of that many prompts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prompts" / "s.yaml"
        path.parent.mkdir()
        lines = "".join(_LINE.format(i) for i in range(length))
        path.write_text("prompt_set: s\nprompts:\n" + lines, encoding="utf-8")
        return statistics.median(_timed(Path(folder)) for _ in range(3))


def _timed(root: Path) -> float:
    start = time.process_time()
    if not load_project(root).prompt_sets:
        raise RuntimeError("the prompt set was not read")
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    first = seconds(LENGTHS[0])
    for length in LENGTHS:
        taken = seconds(length)
        ratio = f"{taken / first:.1f} times the time of {length / LENGTHS[0]:.0f} times the prompts"
        print(f"{length} prompts: {taken:.2f} s, {ratio}")


if __name__ == "__main__":
    main()
