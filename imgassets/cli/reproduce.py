"""`imgassets reproduce`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, DeviceWord, Json, show, valid_project
from imgassets.cli.progress import Quiet, shown


def reproduce(
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="As the model gets it.")],
    runs: Annotated[int, typer.Option(metavar="N", help="On each device.")] = 2,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="S", help="0 to 18446744073709551615, hosted models up to 2147483647."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="M", help="Default: the incumbent of the first endpoint.")
    ] = None,
    device: Annotated[
        list[DeviceWord], typer.Option(help="May be repeated, to compare devices.")
    ] = [DeviceWord.AUTO],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Default: a folder in .imgassets/reproduce."),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Make the same image again and say whether it is the same.

    Makes an image several times, loading the model anew each time, compares bit by bit, and shows
    both beside what differs. Without --seed each run draws its own, which shows what is lost. Exit
    0 when all are the same, 1 when not, 2 on bad input.
    """
    from imgassets.drift.reproduce import reproduce as made_again
    from imgassets.drift.reproduction import ReproductionOptions
    from imgassets.storage.ownership import own_home, ready_home

    project = valid_project()
    home = own_home(project.root) if out else ready_home(project.root)
    options = ReproductionOptions(prompt, runs, seed, model, tuple(device))
    with shown(quiet) as tell:
        found = made_again(project, options, home, out, partial(tell, "made again"))
    show(json, found.to_dict(), found)
    return OK if found.same else NOT_OK
