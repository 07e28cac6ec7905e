"""Every path of a project is said in one module."""

from __future__ import annotations

import re
from pathlib import Path

import imgassets
from imgassets.storage.project_home import ProjectHome

PACKAGE = Path(imgassets.__file__).parent
#: A home, or the folder of one, joined with a name; and the project's own folder for it.
JOINED = re.compile(
    r"""\bhome\w*(\([^()]*\))?(\.folder)?\s*/\s|home_of\([^()]*\)\s*/|/\s*['"]\.imgassets"""
)


def test_no_other_module_joins_the_names_of_a_home() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "storage" / "project_home.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if JOINED.search(line)
    ]
    assert found == []


def test_each_asset_has_a_file_of_its_own() -> None:
    home = ProjectHome(Path("/h"))
    assert home.output(("e", "m", "generated")) == Path("/h/tables/e/m/generated.parquet")
    assert home.output(("e", "m", "verdict")) == Path("/h/tables/e/m/verdict.json")
    assert home.output(("e", "report")) == Path("/h/reports/e/report.html")
