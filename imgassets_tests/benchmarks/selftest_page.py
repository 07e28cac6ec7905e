"""Writes docs/selftest.md's tables and its contact sheet from a full self-test.

`python -m imgassets_tests.benchmarks.selftest_page` in a project that has the embedded models;
images and tables are kept in `$IMGASSETS_HOME/selftest`, so a second run is quick.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from imgassets.documents.project import find_root, load_project
from imgassets.images.contact_sheet import contact_sheet, jpeg
from imgassets.selftest.catalogue import Fault, all_faults
from imgassets.selftest.run import SelfTest, SelfTester
from imgassets.selftest.table import COLUMNS, rows, sums
from imgassets.storage.project_home import home_of
from imgassets_tests.benchmarks.pages import replace_part, table

PAGE = Path(__file__).parents[2] / "docs" / "selftest.md"
SHEET = PAGE.with_suffix(".jpg")


def written(found: SelfTest) -> str:
    """The measured part of the page."""
    listed = table(list(COLUMNS), rows(found))
    return "\n".join([f"- {line}" for line in sums(found)]) + f"\n\n{listed}"


def sheet(tester: SelfTester, faults: list[Fault]) -> Image.Image:
    """One image of each fault, beside the healthy one it was made of, or in its place."""
    cells: list[tuple[str, Image.Image | None]] = []
    for fault in faults:
        for what, file in zip(("healthy", fault.strength), tester.example(fault), strict=True):
            cells.append((f"{fault.name[:13]} {what[:3]}", _opened(file)))
    return contact_sheet(cells, cell=112, columns=8)


def _opened(file: bytes) -> Image.Image | None:
    try:
        return Image.open(io.BytesIO(file)).convert("RGB")
    except OSError:
        return None


if __name__ == "__main__":
    project, faults = load_project(), all_faults()
    tester = SelfTester(
        project, home_of(find_root()), progress=lambda text: print(text, file=sys.stderr)
    )
    found = tester.run(faults)
    replace_part(PAGE, "measured", written(found))
    SHEET.write_bytes(jpeg(sheet(tester, faults)))
    print("\n".join(sums(found)))
