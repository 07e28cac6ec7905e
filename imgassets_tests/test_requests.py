"""The image key changes with everything that can change a pixel, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.requests import Request, build_requests, request_table
from imgassets_tests.conftest import edit_file


def keys(root: Path, device: str = "cpu", model: str = "prod") -> dict[tuple[str, str, int], str]:
    requests = build_requests(load_project(root), "cards", model, device)
    return {(r.flow, r.prompt_id, r.seed): r.image_key for r in requests}


def test_one_row_for_each_image(project_root: Path) -> None:
    found = keys(project_root)
    # 3 prompts x 2 seeds generated and upscaled, 1 prompt with an edit.
    assert [sum(k[0] == f for k in found) for f in ("generate", "edit", "upscale")] == [6, 2, 6]
    assert len(set(found.values())) == len(found)
    assert keys(project_root) == found


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("contracts/models/prod.yaml", "steps: 4", "steps: 5", {"generate", "edit", "upscale"}),
        ("contracts/models/prod.yaml", "shift: 2.0", "shift: 3.0", {"generate", "edit", "upscale"}),
        ("contracts/models/prod.yaml", "strength: 1.0", "strength: 0.9", {"edit"}),
        (
            "contracts/models/prod.yaml",
            'compact, scale: 2, weights: "package:tiny-x2"',
            "lanczos, scale: 2",
            {"upscale"},
        ),
        ("contracts/models/prod.yaml", "usd_per_hour: 0.34", "usd_per_hour: 9", set()),
        ("contracts/endpoints/cards.yaml", "floor: 0.1", "floor: 0.3", set()),
        ("prompts/few.yaml", "count: 2, color: green", "count: 1, color: green", set()),
        ("prompts/few.yaml", '" on white"', '" on black"', {"generate", "edit", "upscale"}),
    ],
)
def test_only_what_can_change_a_pixel_changes_a_key(
    project_root: Path, file: str, old: str, new: str, changed: set[str]
) -> None:
    before = keys(project_root)
    edit_file(project_root / file, old, new)
    after = keys(project_root)
    assert {k[0] for k in before if before[k] != after[k]} == changed


def test_the_device_is_part_of_the_key(project_root: Path) -> None:
    assert not set(keys(project_root).values()) & set(keys(project_root, "cuda").values())


def test_two_endpoints_share_an_image(project_root: Path) -> None:
    first = project_root / "contracts/endpoints/cards.yaml"
    second = first.with_name("posters.yaml")
    second.write_text(first.read_text().replace("endpoint: cards", "endpoint: posters"))
    project = load_project(project_root)
    cards = {r.image_key for r in build_requests(project, "cards", "prod", "cpu")}
    assert cards == {r.image_key for r in build_requests(project, "posters", "prod", "cpu")}


def test_a_table_gives_the_requests_back(project_root: Path) -> None:
    requests = build_requests(load_project(project_root), "cards", "fast", "cpu")
    again = Request.from_table(request_table(requests))
    assert again == requests
    assert [r.image_key for r in again] == [r.image_key for r in requests]
