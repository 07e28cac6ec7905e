"""The rows of the table in docs/incremental.md: a change, and what it may remake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from imgassets.documents.answers import Answer
from imgassets.metrics import families
from imgassets.review.answer_file import Answers
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import MODELS, model_file

REQUESTS = {"requests_generate", "requests_edit", "requests_upscale"}
IMAGES = {"generated", "edited", "upscaled"}
FAMILIES = {"composition", "typography", "artefacts", "edit_stability", "upscaling", "look", "cost"}
END = {"comparison", "verdict"}
PROMPT = """\
  - id: green-square
    prompt: a large green square
    expect: {include: [{class: square, color: green}]}
"""
Change = Callable[[Path], None]


def stages(names: Iterable[str], models: Iterable[str] = MODELS) -> set[str]:
    return {f"cards/{model}/{name}" for model in models for name in names}


REPORT = {"cards/report"}
JUDGED = stages(END) | REPORT


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        change: in words.
        make: the change.
        images: images made by flow: generate, edit, upscale.
        must: assets that are materialized in any case.
        may: further ones that are unless what is above them came out as it was.
        checks: whether checks are made again.
        scores: how many images are looked at, once for each family; None where it is not told.
    """

    change: str
    make: Change
    images: tuple[int, int, int] = (0, 0, 0)
    must: frozenset[str] | set[str] = frozenset()
    may: frozenset[str] | set[str] = frozenset()
    checks: bool = True
    scores: int | None = None


def contract(root: Path) -> Path:
    return root / "contracts" / "endpoints" / "cards.yaml"


def prompts(root: Path) -> Path:
    return root / "prompts" / "few.yaml"


def edit(file: Callable[[Path], Path], old: str, new: str) -> Change:
    return lambda root: edit_file(file(root), old, new)


def fast(root: Path) -> Path:
    return model_file(root, "fast")


def comment_and_reorder(root: Path) -> None:
    """A comment in every document, and the first field of each model moved to its end."""
    for path in root.rglob("*.yaml"):
        if ".imgassets" in path.parts:
            continue
        lines = path.read_text().splitlines()
        if path.parent.name == "models":
            lines = [*lines[1:], lines[0]]
        path.write_text("# reviewed\n" + "\n".join(lines) + "\n")


def add_prompt(root: Path) -> None:
    prompts(root).write_text(prompts(root).read_text() + PROMPT)


def choose_judge(root: Path) -> None:
    """One that knows none of the shapes: then no image can be judged."""
    text = contract(root).read_text() + "judges: {composition: coco-small}\n"
    contract(root).write_text(text)


def swap_incumbent(root: Path) -> None:
    edit_file(contract(root), "incumbent: prod", "incumbent: fast")
    edit_file(contract(root), "candidates: [fast]", "candidates: [prod]")


def label(root: Path) -> None:
    """People judge the images of one model."""
    table = root / ".imgassets/tables/cards/fast/composition.parquet"
    scores = pd.read_parquet(table).query("metric == 'composition.correct'").dropna(subset="value")
    lines = [f"{key},composition.correct,0,ana,2026-11-27" for key in scores["image_key"].unique()]
    (root / "labels").mkdir()
    file = root / "labels" / "cards.csv"
    file.write_text("\n".join(["image_key,metric,value,who,when", *lines]))


def answer(root: Path) -> None:
    """A person looks at pairs of both models' images."""
    ours, theirs = (
        pd.read_parquet(root / f".imgassets/tables/cards/{model}/generated.parquet")
        for model in ("fast", "prod")
    )
    file = Answers(root, "cards")
    both = ours.merge(theirs, on=["prompt_id", "seed"], suffixes=("", "_prod"))
    for number, row in enumerate(both.itertuples()):
        said = {
            "id": f"{number:032x}", "when": "2026-11-27T12:00:00Z", "who": "ana",
            "endpoint": "cards", "candidate": "fast", "incumbent": "prod", "flow": "generate",
            "prompt_id": row.prompt_id, "seed": row.seed, "candidate_key": row.image_key,
            "incumbent_key": row.image_key_prod, "left": "candidate", "why": "random",
            "drawn": True, "seconds": 2.0, "preference": "candidate",
        }  # fmt: skip
        file.add(Answer.model_validate(said))


def nothing(root: Path) -> None:
    """Nothing."""


def raise_typography(root: Path) -> None:
    family = families.FAMILIES["typography"]
    families.FAMILIES["typography"] = replace(family, version=f"{family.version}-raised")


BRANCHES = stages(REQUESTS | IMAGES | FAMILIES)
FAST = stages(REQUESTS | IMAGES | FAMILIES | {"comparison"}, ["fast"]) | REPORT
FAST_MAY = stages({"verdict"}, ["fast"])
ALL_OF_FAST = (6, 2, 6)
ROWS = [
    Row("nothing", nothing, checks=False, scores=0),
    Row("a comment and the order of keys", comment_and_reorder, checks=False, scores=0),
    Row(
        "a threshold",
        edit(contract, "floor: 0.1", "floor: 0.9"),
        must=stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
        scores=0,
    ),
    Row(
        "a margin",
        edit(contract, "margin: 0.2}", "margin: 0.1}"),
        must=stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
    ),
    Row(
        "labels of people",
        label,
        must=stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
    ),
    Row(
        "answers of people on a candidate",
        answer,
        must=stages({"comparison"}, ["fast"]) | REPORT,
        may=stages({"verdict"}, ["fast"]),
        scores=0,
    ),
    Row(
        "the price of the candidate",
        edit(fast, "usd_per_hour: 0.34", "usd_per_hour: 3.4"),
        must=stages({"cost", "comparison"}, ["fast"]) | REPORT,
        may=stages({"verdict"}, ["fast"]),
    ),
    Row(
        "one prompt added to a set of 3",
        add_prompt,
        images=(4, 0, 4),
        must=BRANCHES - stages({"edit_stability"}) | stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
        # Of 4 images and 4 large ones: composition of the former, upscaling of the latter,
        # artefacts and look of both.
        scores=4 + 4 + 8 + 8,
    ),
    Row(
        "one prompt removed",
        lambda root: prompts(root).write_text(prompts(root).read_text().split("  - id: word")[0]),
        must=BRANCHES - stages({"edit_stability"}) | stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
    ),
    Row(
        "a prompt's expectation",
        edit(prompts, "count: 3", "count: 4"),
        must=stages({"composition"}),
        may=JUDGED,
        scores=4,
    ),
    Row(
        "the judge of composition",
        choose_judge,
        must=stages({"composition", "comparison"}) | REPORT,
        may=stages({"verdict"}),
        scores=12,
    ),
    Row(
        "one prompt transform",
        edit(prompts, '" on white"', '" on gray"'),
        images=(12, 4, 12),
        must=BRANCHES | stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
    ),
    Row(
        "a model's scheduler",
        edit(fast, "shift: 2.0", "shift: 3.0"),
        images=ALL_OF_FAST,
        must=FAST,
        may=FAST_MAY,
    ),
    Row(
        "a model's steps",
        edit(fast, "{steps: 1,", "{steps: 2,"),
        images=ALL_OF_FAST,
        must=FAST,
        may=FAST_MAY,
    ),
    Row(
        "a model's guidance",
        edit(fast, "guidance_scale: 1.0, max", "guidance_scale: 0.5, max"),
        images=ALL_OF_FAST,
        must=FAST,
        may=FAST_MAY,
    ),
    Row(
        "a model's weights",
        edit(fast, "tiny-turbo", "tiny-base"),
        images=ALL_OF_FAST,
        must=FAST,
        may=FAST_MAY,
    ),
    Row(
        "a model's dtype",
        edit(fast, "batch_size: 4", "batch_size: 4\ndtype: float16"),
        images=ALL_OF_FAST,
        must=FAST,
        may=FAST_MAY,
    ),
    Row(
        "the upscaler of a model",
        edit(fast, "scale: 2", "scale: 3"),
        images=(0, 0, 6),
        must=FAST - stages({"generated", "edited", "edit_stability", "composition"}, ["fast"]),
        may=FAST_MAY,
    ),
    Row(
        "one metric's code version",
        raise_typography,
        must=stages({"typography"}),
        may=JUDGED,
        checks=False,  # no criterion of the small contract is about typography
    ),
    Row(
        "the incumbent",
        swap_incumbent,
        must=stages({"comparison"}) | REPORT,
        may=stages({"verdict"}),
        scores=0,
    ),
]
