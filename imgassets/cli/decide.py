"""`imgassets decide`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Json, show


def decide(
    scores: Annotated[Path, typer.Option(metavar="FILE", help="A table of scores.")],
    contract: Annotated[Path, typer.Option(metavar="FILE", help="What must hold.")],
    look: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Which look at this comparison it is; later ones are judged more strictly.",
        ),
    ] = 1,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What people said of some images: CSV or JSON lines with image_key, metric, "
            "value, who, when; the scores then need a column image_key.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Verdicts from a table of scores made by anyone.

    Judges a table by the same rule as `validate`. The scores are CSV, JSON lines or Parquet with
    the columns model, prompt_id, seed, metric, value, and optionally flow, replicate and status
    (ok, or a failure mode). The contract needs endpoint, incumbent, candidates and criteria; it may
    declare metrics of its own. Exit 0 when every verdict is GO, 1 when one is not, 2 on bad input.
    """
    from imgassets.decision.score_files import decide_file
    from imgassets.report.table import verdict_table

    verdicts = decide_file(scores, contract, look, labels)
    show(json, [v.to_dict() for v in verdicts], verdict_table(verdicts))
    return OK if all(v.verdict == "GO" for v in verdicts) else NOT_OK
