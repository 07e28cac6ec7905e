"""`imgassets score`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Json, show
from imgassets.cli.progress import Quiet, shown


def score(
    prompts: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A prompt set (YAML), or a file of another format (docs/prompts.md).",
        ),
    ],
    images: Annotated[Path, typer.Option(metavar="DIR", help="The folder of images.")],
    judge: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Judge of composition: an embedded one (shapes for drawn images, coco-small for "
            "photographs), one of contracts/judges, or the path of a judge document.",
        ),
    ] = "shapes",
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Score images made by anyone.

    Scores a folder of images with the same metrics and a reason for each image; no image model is
    loaded. What a judge can be trusted at: docs/judges.md.
    Layouts: GenEval's (00000/samples/0000.png, with metadata.jsonl) or PROMPT_ID/SEED.png. An
    unusable image is a result like any other. Exit 1 where no image could be judged right or
    wrong, 2 on bad input.
    """
    from imgassets.cli.judges import detector_of
    from imgassets.metrics.scored_folder import score_folder

    detector = detector_of(judge)
    with shown(quiet) as tell:
        scored = score_folder(prompts, images, detector, partial(tell, f"{images}: scored"))
    show(json, scored.to_dict(), scored)
    return OK if scored.judged["judged"] else NOT_OK
