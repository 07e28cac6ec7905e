"""`imgassets compare`."""

from __future__ import annotations

import json as json_module
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Json, valid_project
from imgassets.cli.progress import Quiet
from imgassets.cli.validate import shown_runs, tell_failures

if TYPE_CHECKING:
    from imgassets.cli.two_folders import Compared
    from imgassets.decision import Verdict
    from imgassets.documents.project import Project


def compare(
    prompts: Annotated[
        Path,
        typer.Option(metavar="FILE", help="A prompt set in any format: docs/prompts.md."),
    ],
    incumbent: Annotated[
        Path, typer.Option(metavar="DIR", help="Images of the model in production.")
    ],
    candidate: Annotated[
        Path, typer.Option(metavar="DIR", help="Images of the model that may replace it.")
    ],
    contract: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A contract whose criteria to hold them to; given once, then edited in DIR.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The project that is written, and its report.")
    ] = Path("comparison"),
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Compare two folders of images: a verdict and a report in one command.

    Layouts: PROMPT_ID/SEED.png, GenEval's (00000/samples/0000.png), or a manifest.csv with the
    columns file, prompt_id, seed. What must hold is printed, and kept as a contract: edit it and
    run the same command again. Folders that are numbered from 0 or 1, one a prompt, are taken for
    the prompts in order, and that is said. Exit 0 for GO, 1 for another verdict, 2 on bad input.
    """
    from imgassets.cli.two_folders import CONTRACT, compared, write_project
    from imgassets.documents.prompt_files import read_prompt_set
    from imgassets.refresh.selection import Selection

    found = compared(read_prompt_set(prompts), incumbent, candidate)
    root = out.resolve()
    kept = write_project(root, found, contract)
    os.environ["IMGASSETS_PROJECT"] = str(root)
    project = valid_project()
    if not quiet:
        _say(found, root / CONTRACT, kept)
    with shown_runs(quiet):
        verdict = _verdict(project, found.names[1])
    tell_failures(project, Selection((), ()))
    if json:
        print(json_module.dumps(verdict.to_dict(), indent=2))
    else:
        _show(project, verdict, root / CONTRACT)
    return OK if verdict.verdict == "GO" else NOT_OK


def _say(found: Compared, contract: Path, kept: bool) -> None:
    """What is compared and what must hold, before it takes its time."""
    shared = f"{len(found.prompts)} prompts x {len(found.seeds)} seeds"
    told = [f"comparing {found.names[1]} with {found.names[0]}: {shared}"]
    if found.by_number:
        told.append(found.by_number)
    if found.left_out:
        told.append(f"{found.left_out} prompts have no image in either folder and are left out")
    told.append(f"{'held to' if kept else 'written'}: {contract}")
    if not kept:
        rules = contract.read_text(encoding="utf-8").partition("criteria:\n")[2]
        told += [line for line in rules.splitlines() if line.startswith("  - ")]
    print(*told, sep="\n", file=sys.stderr)


def _verdict(project: Project, candidate: str) -> Verdict:
    from imgassets.defs import headless
    from imgassets.refresh.dagster_runs import open_instance
    from imgassets.refresh.selection import Selection

    with open_instance(project.root) as instance:
        verdicts = headless.validate(project, instance, Selection((), ()), "cpu")
    return next(v for v in verdicts if v.model == candidate)


def _show(project: Project, verdict: Verdict, contract: Path) -> None:
    from imgassets.report.table import verdict_table
    from imgassets.storage.project_home import home_of

    print(verdict_table([verdict]))
    print(f"report: {home_of(project.root).output((verdict.endpoint, 'report'))}")
    print(f"to change what must hold: edit {contract}, and run the same command again")
