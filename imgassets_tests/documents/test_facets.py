"""A facet changes exactly when what it stands for changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.facets import facets_of
from imgassets.documents.project import load_project
from imgassets_tests.conftest import edit_file

DOCUMENTS = [("endpoints", "cards"), ("models", "prod"), ("models", "fast"), ("prompts", "few")]


def all_facets(root: Path) -> dict[tuple[str, str, str], str]:
    project = load_project(root)
    assert project.problems == ()
    return {
        (kind, name, facet): value
        for kind, name in DOCUMENTS
        for facet, value in facets_of(project, kind, name).items()
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("contracts/endpoints/cards.yaml", "endpoint:", "# a comment\nendpoint:", set()),
        (
            "contracts/endpoints/cards.yaml",
            "accepts: {max_prompt_chars: 60, sizes: [[96, 96]]}",
            "accepts: {sizes: [[96, 96]], max_prompt_chars: 60}",
            set(),
        ),
        ("contracts/endpoints/cards.yaml", "floor: 0.1", "floor: 0.2", {"criteria"}),
        (
            "contracts/endpoints/cards.yaml",
            "seconds_per_image: 60",
            "seconds_per_image: 6",
            {"criteria"},
        ),
        ("contracts/endpoints/cards.yaml", "seeds: [5, 6]", "seeds: [5, 7]", {"requests"}),
        ("contracts/models/prod.yaml", "usd_per_hour: 0.34", "usd_per_hour: 0.5", {"price"}),
        ("contracts/models/prod.yaml", "shift: 2.0", "shift: 2.5", {"generator"}),
        (
            "contracts/models/prod.yaml",
            'kind: compact, scale: 2, weights: "package:tiny-x2"',
            "kind: lanczos, scale: 2",
            {"upscaler"},
        ),
        ("prompts/few.yaml", "a large red circle", "a small red circle", {"prompts", "alignment"}),
        ("prompts/few.yaml", '" on white"', '" on beige"', {"prompts"}),
        ("prompts/few.yaml", "name: on-white", "name: background", set()),
        (
            "prompts/few.yaml",
            "class: star, count: 2",
            "class: star, count: 1",
            {"composition", "alignment"},
        ),
        ("prompts/few.yaml", "{text: HI}", "{text: HO}", {"typography"}),
    ],
)
def test_a_change_touches_only_its_facet(
    project_root: Path, file: str, old: str, new: str, changed: set[str]
) -> None:
    before = all_facets(project_root)
    edit_file(project_root / file, old, new)
    after = all_facets(project_root)
    assert {key[2] for key in before if before[key] != after[key]} == changed
