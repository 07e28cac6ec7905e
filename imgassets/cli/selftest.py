"""`imgassets selftest`."""

from __future__ import annotations

from typing import Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Json, show, valid_project
from imgassets.cli.progress import Quiet, shown


def selftest(
    fault: Annotated[
        list[str], typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = [],
    draws: Annotated[int, typer.Option(metavar="N", help="Of each fault.")] = 200,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Plant faults and see whether they are caught.

    Plants realistic faults, strong and faint, into the embedded models, judges each at the
    project's endpoints on many draws, and the healthy model with other seeds as well. Progress goes
    to standard error; images are kept in .imgassets/selftest. Exit 0 when every strong fault is
    caught in 95 % of the draws and alarms are false in at most 5 %, 1 when not, 2 on bad input.
    """
    project = valid_project()
    from imgassets.selftest.catalogue import named_faults
    from imgassets.selftest.run import SelfTester
    from imgassets.selftest.table import in_words
    from imgassets.storage.ownership import ready_home

    faults, home = named_faults(fault), ready_home(project.root)
    with shown(quiet, keep=True) as tell:
        tester = SelfTester(
            project, home, draws=draws, progress=lambda text: tell(text, None, None)
        )
        found = tester.run(faults)
    show(json, found.to_dict(), in_words(found))
    return OK if found.well else NOT_OK
