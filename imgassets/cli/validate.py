"""`imgassets validate`."""

from __future__ import annotations

import json as json_module
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import (
    NOT_OK,
    OK,
    Device,
    DeviceWord,
    Endpoints,
    Json,
    complain,
    valid_project,
)
from imgassets.documents.project import Project, load_project

if TYPE_CHECKING:
    from imgassets.decision import Verdict
    from imgassets.refresh.execute import Selection


def validate(
    endpoint: Endpoints = [],
    model: Annotated[
        list[str],
        typer.Option(
            metavar="M",
            help="Only this one; may be repeated. The incumbent comes along, the report does not.",
        ),
    ] = [],
    device: Device = DeviceWord.AUTO,
    more: Annotated[
        bool,
        typer.Option(
            "--more",
            help="Add the seeds that INCONCLUSIVE verdicts ask for, to them and their incumbents; "
            "kept in .imgassets/more, no document is edited.",
        ),
    ] = False,
    no_more: Annotated[
        bool, typer.Option("--no-more", help="Take back the seeds that --more added.")
    ] = False,
    json: Json = False,
) -> int:
    """Make what is missing, measure, and judge.

    Does what `imgassets plan` says, and prints a verdict for each endpoint and model. Images
    already in the store are reused; an interrupted run goes on where it was. Exit 0 when every
    verdict is GO, 1 when one is not, 2 on bad input.
    """
    if more and no_more:
        raise typer.BadParameter("--more and --no-more exclude each other; give one of them")
    project = valid_project()
    from imgassets.refresh.document_changes import changed_meanwhile
    from imgassets.refresh.execute import Selection, forget_more

    selection = Selection(tuple(endpoint), tuple(model))
    if no_more:
        forget_more(project, selection)
    verdicts = _verdicts(project, selection, device, more)
    changed = changed_meanwhile(project, load_project(project.root))
    if changed:
        complain(f"changed while this ran, so run it again to take it in: {', '.join(changed)}")
    if json:
        print(json_module.dumps([v.to_dict() for v in verdicts], indent=2))
    else:
        _print(project, selection, verdicts)
    return OK if all(v.verdict == "GO" for v in verdicts) else NOT_OK


def _verdicts(project: Project, selection: Selection, device: str, more: bool) -> list[Verdict]:
    from imgassets.refresh import execute

    with execute.open_instance(project.root) as instance:
        if not more:
            return execute.validate(project, instance, selection, device)
        verdicts, told = execute.validate_with_more(project, instance, selection, device)
    print(*told or ["--more: no verdict is INCONCLUSIVE"], sep="\n", file=sys.stderr)
    return verdicts


def _print(project: Project, selection: Selection, verdicts: list[Verdict]) -> None:
    from imgassets.report.table import verdict_table
    from imgassets.storage.project_home import home_of

    print(verdict_table(verdicts))
    # Reports tell of all models, so some models alone leave them as they were.
    for endpoint in [] if selection.models else dict.fromkeys(v.endpoint for v in verdicts):
        report = home_of(project.root).output((endpoint, "report"))
        if report.exists():
            print(f"report: {report}")
    print("lineage: imgassets ui   (then open http://127.0.0.1:3000)")
