"""What all accuracy scripts share: a page of tables under docs/metrics/."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs/metrics"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write(family: str, title: str, parts: Sequence[str]) -> Path:
    """Writes docs/metrics/FAMILY.md, headed by its command and the versions it was made with."""
    libraries = ", ".join(
        f"{name} {version(name)}"
        for name in ("numpy", "scikit-image", "opencv-python-headless", "pillow")
    )
    head = (
        f"# {title}\n\nWritten by `python -m imgassets_tests.benchmarks.{family}_accuracy` on "
        f"{platform.machine()}, with {libraries}.\n"
    )
    path = FOLDER / f"{family}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *parts]), encoding="utf-8")
    return path
