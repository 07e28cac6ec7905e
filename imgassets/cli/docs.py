"""`imgassets docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import OK, valid_project


def docs(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Default: docs/ beside everything made.")
    ] = None,
) -> int:
    """Build Great Expectations' Data Docs.

    Builds Data Docs from the contracts' expectations, held against the tables made last. The pages
    need no network. Exit 2 when there is no table yet.
    """
    from imgassets.report.data_docs import build_docs
    from imgassets.storage.ownership import own_home

    project = valid_project()
    home = own_home(project.root)
    print(build_docs(project, home, out or home.docs))
    return OK
