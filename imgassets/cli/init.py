"""`imgassets init`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import OK, complain
from imgassets.starts.files import Start, write_start


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Made if it is missing; default: this folder.")
    ] = Path(),
    start: Annotated[
        Start, typer.Option("--from", help="What is most like what you have.")
    ] = Start.DEMO,
) -> int:
    """Write a project to start from: documents that pass `check`, with comments that teach.

    Nothing that is there is overwritten: exit 2 then, with the names of the files, and nothing is
    written.
    """
    files = write_start(start, folder)
    print(f"{len(files)} files in {folder.resolve()}:")
    counted = [
        path
        for path in files
        if path.parts[0] not in ("schemas", "images") and "examples" not in path.parts
    ]
    print(*(f"  {path}" for path in counted), sep="\n")
    print("  and schemas/ for editors, examples/ of other models beside them")
    print(f"\nNext{_cd(folder)}:")
    print("  imgassets check      whether the documents are right; after each edit")
    print("  imgassets plan       what would be made, and what it costs")
    print("  imgassets validate   make, measure, judge; the verdict, and why")
    print("  imgassets report --format html --out report.html   the same with images")
    if start is not Start.DEMO:
        print("contracts/README.md tells what to change first.")
    _warn_of_another_project(folder)
    return OK


def _cd(folder: Path) -> str:
    shown = os.path.relpath(folder)
    return "" if shown == os.curdir else f", after `cd {shown}`"


def _warn_of_another_project(folder: Path) -> None:
    elsewhere = os.environ.get("IMGASSETS_PROJECT")
    if elsewhere and Path(elsewhere).resolve() != folder.resolve():
        complain(f"$IMGASSETS_PROJECT is {elsewhere}: unset it, or commands look there")
        sys.stderr.flush()
