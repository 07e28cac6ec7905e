"""Arguments that several commands share, exit codes, and the project they all need."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from imgassets.documents.problems import InvalidDocumentsError
from imgassets.documents.project import Project, load_project

#: 0 all is well (every verdict is GO), 1 something is not (a verdict, a document, an image), 2 bad
#: input or a run that could not finish.
OK, NOT_OK, BAD_INPUT = 0, 1, 2
#: Servers answer this machine alone.
HOST = "127.0.0.1"


class DeviceWord(StrEnum):
    """Where images are made; `auto` takes a GPU where there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Device = Annotated[DeviceWord, typer.Option(help="Where images are made.")]
Endpoints = Annotated[
    list[str], typer.Option("--endpoint", metavar="E", help="Only this one; may be repeated.")
]
Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT...", help="Image files; - reads paths from standard input."),
]
OutputFolder = Annotated[Path, typer.Option(metavar="DIR", help="Made if it is missing.")]
InputContract = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="An endpoint contract; its `accepts` says what is taken in and how it is converted. "
        "Without one every format is, by the defaults in docs/inputs.md.",
    ),
]


def renamed(old: str, new: str) -> Any:
    """The option an older one has become: whoever gives the old name is told the new one."""

    def tell(given: bool) -> None:
        if given:
            raise typer.BadParameter(f"{old} is now {new}")

    return typer.Option(old, hidden=True, callback=tell)


def show(json_: bool, data: Any, text: object) -> None:
    """Print a result as JSON or as text."""
    print(json.dumps(data, indent=2) if json_ else text)


def complain(message: str) -> None:
    """One line on standard error."""
    print(f"imgassets: {message}", file=sys.stderr)


def valid_project() -> Project:
    """The project, all of whose documents can be used.

    Bad labels and answers are told here, and stop the comparisons of their own endpoint alone.

    Raises:
        InvalidDocumentsError: one cannot; names every problem.
    """
    from imgassets.judges.vocabulary import all_problems

    project = load_project()
    of_people = set(project.problems_of_people)
    if problems := [p for p in all_problems(project) if p not in of_people]:
        raise InvalidDocumentsError(problems)
    for problem in sorted(of_people):
        complain(str(problem))
    return project
