"""What all accuracy scripts share: a page of tables under docs/metrics/."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs/metrics"
#: What follows belongs to another command than the one that wrote the page.
_APPENDED = "\n<!-- appended by imgassets_tests.benchmarks."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write(family: str, title: str, parts: Sequence[str], command: str = "") -> Path:
    """Writes docs/metrics/FAMILY.md, headed by its command and the versions it was made with.

    The command is FAMILY_accuracy unless named. What another command appended stays.
    """
    libraries = ", ".join(
        f"{name} {version(name)}"
        for name in ("numpy", "scikit-image", "opencv-python-headless", "pillow")
    )
    module = command or f"{family}_accuracy"
    head = (
        f"# {title}\n\nWritten by `python -m imgassets_tests.benchmarks.{module}` on "
        f"{platform.machine()}, with {libraries}.\n"
    )
    path = FOLDER / f"{family}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    appended = "".join(before.partition(_APPENDED)[1:])
    path.write_text("\n".join([head, *parts]).rstrip() + "\n" + appended, encoding="utf-8")
    return path


def append(family: str, command: str, parts: Sequence[str]) -> Path:
    """Puts parts below docs/metrics/FAMILY.md, in place of what was appended before."""
    path = FOLDER / f"{family}.md"
    own = path.read_text(encoding="utf-8").partition(_APPENDED)[0]
    marker = f"{_APPENDED}{command} -->\n\n"
    path.write_text(own.rstrip() + "\n" + marker + "\n".join(parts), encoding="utf-8")
    return path


def replace_part(path: Path, name: str, text: str) -> None:
    """Puts text between `<!-- NAME -->` and `<!-- /NAME -->` of a page, over what is there."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = path.read_text(encoding="utf-8")
    before, after = page.partition(begin)[0], page.partition(end)[2]
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
