"""`imgassets score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import OK, Json, show


def score(
    prompts: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A prompt set (YAML), or GenEval's evaluation_metadata.jsonl."
        ),
    ],
    images: Annotated[Path, typer.Option(metavar="DIR", help="The folder of images.")],
    json: Json = False,
) -> int:
    """Score images made by anyone.

    Scores a folder of images with the same metrics and a reason for each image; no model is loaded.
    Layouts: GenEval's (00000/samples/0000.png, with metadata.jsonl) or PROMPT_ID/SEED.png. An
    unusable image is a result like any other; exit 2 on bad input.
    """
    from imgassets.metrics.scored_folder import score_folder

    scored = score_folder(prompts, images)
    show(json, scored.to_dict(), scored)
    return OK
