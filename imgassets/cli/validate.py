"""`imgassets validate`."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
    renamed,
    valid_project,
)
from imgassets.cli.progress import Quiet, live_display, nothing
from imgassets.documents.project import Project, load_project

if TYPE_CHECKING:
    from imgassets.decision import Verdict
    from imgassets.refresh.selection import Selection


_MOST_FAILURES = 10


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
    add_seeds: Annotated[
        bool,
        typer.Option(
            "--add-seeds",
            help="Add the seeds that INCONCLUSIVE verdicts ask for, to them and their incumbents; "
            "kept in .imgassets/more, no document is edited.",
        ),
    ] = False,
    drop_seeds: Annotated[
        bool, typer.Option("--drop-seeds", help="Take back the seeds that --add-seeds added.")
    ] = False,
    more: Annotated[bool, renamed("--more", "--add-seeds")] = False,  # noqa: ARG001
    no_more: Annotated[bool, renamed("--no-more", "--drop-seeds")] = False,  # noqa: ARG001
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Make what is missing, measure, and judge.

    Does what `imgassets plan` says, and prints a verdict for each endpoint and model. Images
    already in the store are reused; an interrupted run goes on where it was. Exit 0 when every
    verdict is GO, 1 when one is not, 2 on bad input.
    """
    if add_seeds and drop_seeds:
        raise typer.BadParameter("--add-seeds and --drop-seeds exclude each other; give one")
    project = valid_project()
    from imgassets.refresh.extra_seeds import take_back
    from imgassets.refresh.selection import Selection

    selection = Selection(tuple(endpoint), tuple(model))
    if drop_seeds:
        take_back(project, selection.branches(project))
    with shown_runs(quiet):
        verdicts = _verdicts(project, selection, device, add_seeds)
    tell_failures(project, selection)
    _print(project, selection, verdicts, None if quiet else device, json)
    return OK if all(v.verdict == "GO" for v in verdicts) else NOT_OK


@contextmanager
def shown_runs(quiet: bool) -> Iterator[None]:
    """Where there is no terminal the log of the runs is shown, which tells it every few seconds."""
    from imgassets.defs.run_logger import shown_by

    live = None if quiet else live_display()
    with live or nullcontext():
        if live:
            live.show("looking for what is out of date")
        with shown_by(nothing if quiet else live.show if live else None):
            yield


def _verdicts(
    project: Project, selection: Selection, device: str, add_seeds: bool
) -> list[Verdict]:
    from imgassets.defs import headless
    from imgassets.refresh.dagster_runs import open_instance

    with open_instance(project.root) as instance:
        if not add_seeds:
            return headless.validate(project, instance, selection, device)
        verdicts, messages = headless.validate_and_add_seeds(project, instance, selection, device)
    nothing = ["--add-seeds: no verdict is INCONCLUSIVE"]
    print(*messages or nothing, sep="\n", file=sys.stderr)
    return verdicts


def tell_failures(project: Project, selection: Selection) -> None:
    """What changed meanwhile, the first message of each failure mode, contradicting files."""
    from imgassets.refresh.contradictions import contradicted_images
    from imgassets.refresh.document_changes import changed_meanwhile
    from imgassets.refresh.failed_images import failed_images
    from imgassets.storage.image_store import store_of
    from imgassets.storage.project_home import home_of

    changed = changed_meanwhile(project, load_project(project.root))
    if changed:
        complain(f"changed while this ran, so run it again to take it in: {', '.join(changed)}")
    chosen = selection.branches(project)
    incumbents = [(e, project.endpoint(e).incumbent) for e, _ in chosen]
    branches = dict.fromkeys((*chosen, *incumbents))
    found = failed_images(project, branches)
    for failures in found[:_MOST_FAILURES]:
        complain(str(failures))
    if found[_MOST_FAILURES:]:
        complain(f"{len(found) - _MOST_FAILURES} more kinds of failure are in the reports")
    for contradicted in contradicted_images(project, store_of(home_of(project.root)), branches):
        complain(str(contradicted))


def _print(
    project: Project, selection: Selection, verdicts: list[Verdict], device: str | None, json: bool
) -> None:
    """The verdicts; as text, what may be done next as well, unless no device is named."""
    if json:
        print(json_module.dumps([v.to_dict() for v in verdicts], indent=2))
        return
    from imgassets.backends.device import choose_device
    from imgassets.cli.next_steps import next_steps
    from imgassets.report.table import verdict_table
    from imgassets.storage.project_home import home_of

    print(verdict_table(verdicts))
    if device is None:
        return
    # Reports tell of all models, so some models alone leave them as they were.
    for endpoint in [] if selection.models else dict.fromkeys(v.endpoint for v in verdicts):
        report = home_of(project.root).output((endpoint, "report"))
        if report.exists():
            print(f"report: {report}")
    print("lineage: imgassets ui   (then open http://127.0.0.1:3000)")
    for line in next_steps(project, selection, verdicts, choose_device(device)[0]):
        print(f"next: {line}")
