"""`imgassets schema`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import OK


def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Default: schemas/ in the project.")
    ] = None,
) -> int:
    """Write JSON Schemas of the documents, so that editors complete and check.

    Writes endpoint.json, model.json, judge.json and prompts.json, over older ones, and prints the
    line that each document then begins with.
    """
    from imgassets.documents.project import find_root
    from imgassets.documents.schemas import FOLDERS, editor_line, write_schemas

    root = find_root()
    folder = (out or root / "schemas").resolve()
    print(*write_schemas(folder), sep="\n")
    print("\nBegin each document with its line; editors with a YAML language server read it:")
    for documents, name in FOLDERS.items():
        relative = Path(os.path.relpath(folder / name, root / documents)).as_posix()
        print(f"  {documents + '/':<22} {editor_line(relative)}")
    return OK
