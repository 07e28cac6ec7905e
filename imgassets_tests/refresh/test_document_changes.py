"""What changed in a document is told by file, line and field."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.documents.weights import weights_folder
from imgassets.refresh.document_changes import FacetHistory, differences, present_facets
from imgassets_tests.conftest import edit_file

CARDS, FAST, FEW = (
    "contracts/endpoints/cards.yaml",
    "contracts/models/fast.yaml",
    "prompts/few.yaml",
)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (CARDS, "floor: 0.1", "floor: 0.9",
         {"documents/endpoints/cards/criteria": f"{CARDS}:12: criteria[0].floor: 0.1 -> 0.9"}),
        (CARDS, "seeds: [5, 6]", "seeds: [5]",
         {"documents/endpoints/cards/requests": f"{CARDS}:5: sampling.seeds: [5, 6] -> [5]"}),
        (FAST, "steps: 2, guidance_scale: 1.0, max", "steps: 3, guidance_scale: 1.0, max",
         {"documents/models/fast/generator": f"{FAST}:8: sampling.steps: 2 -> 3"}),
        (FAST, "shift: 2.0", "shift: 3.0",
         {"documents/models/fast/generator": f"{FAST}:7: scheduler.settings.shift: 2.0 -> 3.0"}),
        (FEW, "large red circle", "huge red circle",
         {f"documents/prompts/few/{facet}":
          f"{FEW}:6: prompts.red-circle.prompt: a large red circle -> a huge red circle"
          for facet in ("prompts", "alignment")}),
        (FEW, "on white", "on gray",
         {"documents/prompts/few/prompts": "transforms[0]"}),
        (FEW, "expect: {text: HI}", "expect: {text: HO}",
         {"documents/prompts/few/typography": f"{FEW}:19: prompts.word.expect.text: HI -> HO"}),
    ],
)  # fmt: skip
def test_a_change_is_named(
    project_root: Path, file: str, old: str, new: str, told: dict[str, str]
) -> None:
    history = FacetHistory(project_root / "history")
    before = present_facets(load_project(project_root))
    for facet in before.values():
        history.keep(facet)
    edit_file(project_root / file, old, new)
    now = present_facets(load_project(project_root))
    changed = {key: f for key, f in now.items() if f.version != before[key].version}
    assert set(changed) == set(told)
    for key, facet in changed.items():
        assert told[key] in history.describe(facet, before[key].version)


@pytest.mark.parametrize("earlier", [False, True], ids=["files kept", "hash kept alone"])
def test_a_changed_file_of_weights_is_named(project_root: Path, earlier: bool) -> None:
    """What was kept by an earlier imgassets knows only that the weights changed."""
    shutil.copytree(weights_folder(project_root, "package:tiny-base"), project_root / "w")
    edit_file(project_root / FAST, "package:tiny-turbo", "w")
    history, key = FacetHistory(project_root / "history"), "documents/models/fast/generator"
    before = present_facets(load_project(project_root))[key]
    if earlier:
        alone = before.shown | {"weights": before.shown["weights"]["content"]}
        before = replace(before, shown=alone)
    history.keep(before)
    config = project_root / "w" / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace('"shift": 2.0', '"shift": 1.5'))
    with (project_root / "w" / "vae" / "diffusion_pytorch_model.safetensors").open("ab") as file:
        file.write(b"0")
    told = history.describe(present_facets(load_project(project_root))[key], before.version)
    if earlier:
        assert re.fullmatch(rf"{FAST}:3: weights: \w{{59}}… -> \w{{59}}…", told)
    else:
        one, other = told.split("; ")
        assert one == f"{FAST}:3: weights.scheduler/scheduler_config.json.shift: 2.0 -> 1.5"
        file_name = "vae/diffusion_pytorch_model.safetensors"
        what = r"content \w{12} -> content \w{12}"
        assert re.fullmatch(rf"{FAST}:3: weights.{file_name}: {what}", other)


def test_comments_and_order_change_no_facet(project_root: Path) -> None:
    before = present_facets(load_project(project_root))
    path = project_root / FAST
    lines = path.read_text().splitlines()
    path.write_text("# why\n" + "\n".join([*lines[1:], lines[0]]))
    now = present_facets(load_project(project_root))
    assert {k: f.version for k, f in now.items()} == {k: f.version for k, f in before.items()}


def test_without_a_memory_the_file_and_facet_are_named(project_root: Path) -> None:
    facet = present_facets(load_project(project_root))["documents/models/fast/price"]
    history = FacetHistory(project_root / "history")
    assert history.describe(facet, "0" * 64) == f"{FAST}: price changed"


def test_items_added_and_removed() -> None:
    old = {"prompts": {"a": 1, "b": 2}, "criteria": [{"m": 1}, {"m": 2}]}
    new = {"prompts": {"a": 1, "c": 3}, "criteria": [{"m": 2}]}
    assert dict(differences(old, new)) == {
        ("prompts", "c"): "added",
        ("prompts", "b"): "removed",
        ("criteria", 0): "removed",
    }
    assert not dict(differences(old, old))
