"""`imgassets label-sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import OK, valid_project


def label_sample(
    endpoint: Annotated[str, typer.Option(metavar="E", help="Whose images.")],
    prompts: Annotated[
        int, typer.Option(metavar="N", min=1, help="Drawn at random; 20 are the fewest that count.")
    ] = 60,
    seed: Annotated[int, typer.Option(metavar="S", help="Another one draws others.")] = 0,
    metric: Annotated[
        list[str],
        typer.Option(metavar="M", help="Only this one; may be repeated. Default: all shares."),
    ] = [],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: labels/ENDPOINT.csv.")
    ] = None,
) -> int:
    """Draw images for people to judge, as a table to fill in.

    Takes all judged images of N random prompts, of every model, and adds a row for each question to
    the table; rows that are there stay as they are. Fill in value, who and when: what people said
    corrects the judge in the next verdict.
    """
    from imgassets.refresh.label_sample import label_sample as drawn
    from imgassets.refresh.label_sample import write_sample

    project = valid_project()
    rows = drawn(project, endpoint, prompts, seed, metric)
    file = output or project.root / "labels" / f"{endpoint}.csv"
    added = write_sample(project, rows, file)
    names = len({row.prompt_id for row in rows})
    print(f"{file}: {added} rows added, {len(rows)} of {names} prompts in all")
    print("fill in value, who and when; then: imgassets validate")
    return OK
