"""The end of `validate` says what to do next, in three lines at most, by verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imgassets.cli.next_steps import next_steps
from imgassets.decision import Verdict
from imgassets.documents.project import load_project
from imgassets.refresh.failed_images import failed_images
from imgassets.refresh.selection import Selection

CRITERION = {"criterion": "upscale__artefacts_clean", "metric": "artefacts.clean"} | {
    "flow": "upscale",
    "state": "broken",
}


def verdict(word: str, model: str = "fast", **more: Any) -> Verdict:
    found = {"endpoint": "cards", "model": model, "incumbent": "prod", "verdict": word}
    found |= {"decided_by": ("upscale__artefacts_clean",), "sentence": word}
    return Verdict.model_validate(found | {"criteria": (CRITERION,)} | more)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            verdict("NO-GO"),
            "NO-GO cards/fast: look at artefacts.clean (upscale) in the report, section fast",
        ),
        (
            verdict("GO"),
            "GO cards/fast: read the report; to swap, exchange incumbent and candidate in "
            "contracts/endpoints/cards.yaml (makes no image)",
        ),
        (
            verdict("REVIEW", review_reasons=("the look changed",)),
            "REVIEW cards/fast: `imgassets review --endpoint cards --model fast` shows a person "
            "the pairs: the look changed",
        ),
        (
            # 3 prompts and an edit, by two models: 3 generated, 1 edited and 3 upscaled each.
            verdict("INCONCLUSIVE", needed_seeds=4),
            "INCONCLUSIVE cards/fast: `imgassets validate --add-seeds --endpoint cards` makes 28 "
            "more images and judges again",
        ),
        (
            verdict("INCONCLUSIVE", needed_prompts=40),
            "INCONCLUSIVE cards/fast: further seeds would not settle it, only prompts: add about "
            "40 (prompts/few.yaml)",
        ),
        (
            verdict("INCONCLUSIVE"),
            "INCONCLUSIVE cards/fast: no number of images would settle it; the sentence above says "
            "what would",
        ),
    ],
)
def test_each_verdict_has_its_next_step(project_root: Path, found: Verdict, said: str) -> None:
    project = load_project(project_root)
    assert next_steps(project, Selection(("cards",)), [found], "cpu") == [said]


def test_three_lines_are_the_most_and_what_stands_in_the_way_comes_first(
    project_root: Path,
) -> None:
    words = ("GO", "REVIEW", "INCONCLUSIVE", "NO-GO")
    lines = next_steps(
        load_project(project_root), Selection(), [verdict(word) for word in words], "cpu"
    )
    assert [line.split()[0] for line in lines] == ["NO-GO", "INCONCLUSIVE", "REVIEW"]


def test_the_model_in_production_has_nothing_to_win(project_root: Path) -> None:
    project = load_project(project_root)
    assert next_steps(project, Selection(), [verdict("GO", "prod")], "cpu") == []


def test_failures_are_told_in_the_words_of_the_backend(project_root: Path) -> None:
    """The first message of each mode, on one line, and how many images it cost."""
    folder = project_root / ".imgassets" / "tables" / "cards" / "fast"
    folder.mkdir(parents=True)
    status = ["ok", "out_of_memory", "out_of_memory", "refused"]
    message = ["", "CUDA out of memory.\n  Tried 2 GiB", "CUDA out of memory. Tried 4 GiB", ""]
    table = pd.DataFrame({"status": status, "message": message})
    table.to_parquet(folder / "generated.parquet")
    (folder / "edited.parquet").write_bytes(b"no table")
    found = failed_images(load_project(project_root), [("cards", "fast"), ("cards", "prod")])
    assert list(map(str, found)) == [
        "cards/fast: 2 images failed, out_of_memory: CUDA out of memory. Tried 2 GiB",
        "cards/fast: 1 image failed, refused",
    ]
