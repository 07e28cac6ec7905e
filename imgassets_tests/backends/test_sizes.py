"""Sizes and regions that `check` refuses are those that the real pipelines cannot make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.registry import open_backend
from imgassets.documents.project import load_project
from imgassets.documents.sizes import grid_of, region_problem, size_problem
from imgassets_tests.backends.conftest import asked, document
from imgassets_tests.conftest import edit_file

Small = Callable[[str], Path]
SIZES = [(64, 64), (72, 64), (64, 68), (60, 64), (80, 48), (16, 16), (136, 64), (24, 40),
         (128, 128), (272, 64), (8, 8)]  # fmt: skip


@pytest.mark.parametrize("name", ["sd3", "sdxl", "flux", "sd15"])
def test_what_check_says_is_what_happens(name: str, small: Small) -> None:
    """A size is made exactly when `check` has no word against it; FLUX shrinks others silently."""
    model = document(name, small(name), batch_size=1)
    grid, backend = grid_of(Path("/"), model), open_backend(Path("/"), model, "cpu")
    assert grid is not None
    for size in SIZES:
        (outcome,) = backend.generate([asked(model, size=list(size))])
        made = outcome.image is not None and outcome.image.size == size
        assert made == (size_problem(grid, size) is None), (size, outcome.message)
        if not made:
            assert outcome.failure == "bad_document", outcome
            assert outcome.message


@pytest.mark.parametrize("name", ["sd3", "sdxl", "flux"])
def test_regions_between_latents_change_nothing(name: str, small: Small) -> None:
    """Regions that `check` refuses repaint nothing: all give one image; the others do not."""
    model = document(name, small(name), batch_size=1)
    grid, backend = grid_of(Path("/"), model), open_backend(Path("/"), model, "cpu")
    assert grid is not None
    source = Image.new("RGB", (64, 64), "teal")

    def edited(*region: float) -> np.ndarray:
        (outcome,) = backend.edit([asked(model, "edit", region=list(region))], [source])
        assert outcome.image is not None, outcome.message
        return np.asarray(outcome.image)

    between = [(0.51, 0.51, 0.6, 0.6), (0.02, 0.02, 0.11, 0.11), (0.77, 0.0, 0.86, 1.0)]
    pictures = [edited(*region) for region in between]
    assert all(region_problem(r, (64, 64), grid.latent) for r in between)
    assert all(np.array_equal(pictures[0], p) for p in pictures)
    for region in ((0.5, 0.5, 0.6, 0.6), (0.5, 0.0, 0.51, 1.0), (0.25, 0.25, 0.5, 0.5)):
        assert region_problem(region, (64, 64), grid.latent) is None
        assert not np.array_equal(edited(*region), pictures[0])


ENDPOINT, PROMPTS = "contracts/endpoints/cards.yaml", "prompts/few.yaml"


@pytest.mark.parametrize("size", ["[100, 100]", "[104, 96]", "[96, 200]", "[8, 96]", "[192, 208]"])
def test_a_size_that_the_model_cannot_make(size: str, project_root: Path) -> None:
    """The problem names the endpoint, the model, and the nearest size that can be made."""
    text = (project_root / ENDPOINT).read_text().replace("[96, 96]", size)
    (project_root / ENDPOINT).write_text(text)
    found = [str(p) for p in load_project(project_root).problems]
    assert len(found) == 2  # the incumbent's and the candidate's
    assert f"incumbent: model prod cannot make {size}: its sides are multiples of 16" in found[0]
    assert "[fix: ask for [" in found[0]


@pytest.mark.parametrize(
    "region",
    ["[0.5, 0.5, 0.504, 0.504]", "[0.5, 0, 0.503, 1]", "[0, 0, 0.004, 0.004]",
     "[0, 0.999, 1, 1]", "[0.1, 0.1, 0.15, 0.15]", "[0, 0.52, 1, 0.57]"],
)  # fmt: skip
def test_a_region_that_nothing_is_painted_in(region: str, project_root: Path) -> None:
    edit_file(project_root / PROMPTS, "[0.0, 0.0, 0.5, 1.0]", region)
    (problem,) = load_project(project_root).problems
    assert problem.field == "prompts[0].edit.region"
    assert "make it at least" in problem.fix


@pytest.mark.parametrize("region", ["[0, 0, 0.01, 0.01]", "[0.5, 0, 0.51, 1]", "[0, 0, 1, 1]"])
def test_a_small_region_that_is_painted(region: str, project_root: Path) -> None:
    edit_file(project_root / PROMPTS, "[0.0, 0.0, 0.5, 1.0]", region)
    assert not load_project(project_root).problems


def test_weights_that_are_not_here_yet_are_not_judged(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hub's commit nothing is known before it is downloaded, and all of it afterwards."""
    import shutil

    commit = "0123456789abcdef0123456789abcdef01234567"
    model = document("sd3", "hub:acme/shoes", revision=commit)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert grid_of(tmp_path, model) is None
    snapshot = tmp_path / "models--acme--shoes" / "snapshots" / commit
    shutil.copytree(small("sd3"), snapshot)
    grid = grid_of(tmp_path, model)
    assert grid is not None
    assert grid.multiple == 16
