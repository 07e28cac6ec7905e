"""Chains of flows: what starts from what, what an image must be like, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from imgassets.documents.contract import Endpoint
from imgassets.documents.postprocess import Step
from imgassets.documents.project import load_project
from imgassets.flows import FLOWS
from imgassets.requests import Request, build_requests
from imgassets_tests.conftest import ENDPOINT, add_chain, edit_file

STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])


def endpoint(**changes: Any) -> Endpoint:
    return Endpoint.model_validate(yaml.safe_load(ENDPOINT) | changes)


def requests(root: Path) -> list[Request]:
    project = load_project(root)
    assert not project.problems, project.problems
    return build_requests(project, "cards", "fast", "cpu")


def keys(root: Path) -> dict[tuple[str, str, int], str]:
    return {(r.flow, r.prompt_id, r.seed): r.image_key for r in requests(root)}


def test_each_flow_starts_from_the_one_named(project_root: Path) -> None:
    """generate, stylize, edit, upscale, postprocess: each request names its source's key."""
    add_chain(project_root)
    made = keys(project_root)
    sources = {
        "stylize": "generate",
        "edit": "stylize",
        "upscale": "edit",
        "postprocess": "upscale",
    }
    found = requests(project_root)
    assert [f for f in FLOWS if any(r.flow == f for r in found)] == list(FLOWS)
    for request in found:
        if request.flow == "generate":
            assert request.source_key is None
        else:
            source = (sources[request.flow], request.prompt_id, request.seed)
            assert request.source_key == made[source]


def test_prompts_without_an_edit_end_before_it(project_root: Path) -> None:
    add_chain(project_root)
    prompts = {f: {r.prompt_id for r in requests(project_root) if r.flow == f} for f in FLOWS}
    assert len(prompts["generate"]) == len(prompts["stylize"]) == 3
    assert prompts["edit"] == prompts["upscale"] == prompts["postprocess"] == {"red-circle"}


def test_the_style_stays_in_what_follows(project_root: Path) -> None:
    """An edit of a stylized image asks for the style too, and shows what the edit expects."""
    add_chain(project_root)
    texts = {r.flow: r.inputs.get("prompt") for r in requests(project_root) if r.seed == 5
             and r.prompt_id == "red-circle"}  # fmt: skip
    assert texts["generate"] == "a large red circle on white"
    assert texts["stylize"] == "a large red circle on white, in watercolor"
    assert texts["edit"] == "a large blue square on white, in watercolor"
    project = load_project(project_root)
    wanted = project.expectations(project.endpoint("cards"))
    assert wanted["postprocess", "red-circle"].include[0].class_ == "square"
    assert wanted["stylize", "red-circle"].include[0].class_ == "circle"
    assert ("postprocess", "word") not in wanted


def test_what_an_image_must_be_like_follows_the_chain(project_root: Path) -> None:
    add_chain(project_root)
    contract = load_project(project_root).endpoint("cards")
    assert contract.returned("edit", 2).size == (96, 96)
    assert contract.returned("upscale", 2).size == (192, 192)
    returned = contract.returned("postprocess", 2)
    assert (returned.size, returned.mode) == ((128, 128), "RGB")


ALL_BUT_GENERATED = {"stylize", "edit", "upscale", "postprocess"}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("contracts/endpoints/cards.yaml", "amount: 0.5", "amount: 0.6", {"postprocess"}),
        ("contracts/endpoints/cards.yaml", "quality: 90", "quality: 80", {"postprocess"}),
        ("contracts/endpoints/cards.yaml", "in watercolor", "in oil", ALL_BUT_GENERATED),
        ("contracts/models/fast.yaml", "strength: 0.5", "strength: 0.4", ALL_BUT_GENERATED),
        ("contracts/endpoints/cards.yaml", "postprocess: upscale", "postprocess: edit",
         {"postprocess"}),
        ("contracts/models/fast.yaml", "batch_size: 4", "batch_size: 4\nloading: {offload: model}",
         set()),
        ("contracts/models/fast.yaml", "batch_size: 4", "batch_size: 4\nloading: {vae_tiling: off}",
         set()),
        ("contracts/models/fast.yaml", "batch_size: 4", "batch_size: 4\nloading: {vae_tiling: on}",
         set(FLOWS)),
        ("contracts/models/fast.yaml", "batch_size: 4", "batch_size: 4\nloading: {attention: math}",
         set(FLOWS)),
    ],
)  # fmt: skip
def test_a_change_remakes_only_what_it_touches(
    file: str, old: str, new: str, changed: set[str], project_root: Path
) -> None:
    """Image keys: a step changes post-processed images alone; memory settings change none."""
    add_chain(project_root)
    before = keys(project_root)
    edit_file(project_root / file, old, new)
    after = keys(project_root)
    assert {k[0] for k in before if before[k] != after[k]} == changed


def test_a_watermark_counts_by_its_content(project_root: Path) -> None:
    """The same file name with another picture is another image; a missing file is named."""
    add_chain(project_root)
    edit_file(project_root / "contracts/endpoints/cards.yaml", "text: acme", "image: logo.png")
    problems = load_project(project_root).problems
    assert [p.field for p in problems] == ["postprocess[2].image"]
    found = []
    for color in ("red", "green"):
        Image.new("RGB", (8, 8), color).save(project_root / "logo.png")
        found.append(keys(project_root))
    assert {k[0] for k in found[0] if found[0][k] != found[1][k]} == {"postprocess"}


STYLE = {"transforms": [{"name": "oil", "kind": "suffix", "text": ", in oil"}]}
CHAIN: dict[str, Any] = {"flows": ["generate", "stylize", "upscale"], "stylize": STYLE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flows": ["generate", "stylize"]}, "flow stylize needs `stylize`"),
        ({"flows": ["generate"], "stylize": STYLE}, "`stylize` is for flow stylize"),
        ({"flows": ["generate", "postprocess"]}, "flow postprocess needs `postprocess`"),
        (CHAIN | {"sources": {"stylize": "upscale"}}, "stylize cannot start from upscale"),
        (CHAIN | {"sources": {"upscale": "edit"}}, "edit is not in flows"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        endpoint(**{"criteria": [{"metric": "artefacts.clean", "floor": 0.5}]} | changes)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"kind": "watermark", "height": 0.1, "opacity": 1}, "neither image nor text"),
        ({"kind": "convert", "format": "JPEG"}, "JPEG needs a quality"),
        ({"kind": "convert", "format": "PNG", "quality": 9}, "PNG has no quality"),
        ({"kind": "sharpen", "radius": 1, "amount": 1, "treshold": 2}, "treshold"),
        ({"kind": "rotate"}, "kind"),
    ],
)
def test_a_step_that_cannot_be_is_refused(step: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        STEPS.validate_python([step])


def test_a_model_that_cannot_stylize_is_named(project_root: Path) -> None:
    add_chain(project_root)
    edit_file(project_root / "contracts/models/fast.yaml", "stylize:", "# stylize:")
    (problem,) = load_project(project_root).problems
    assert "flow stylize is asked for, but model fast has no `stylize`" in problem.message
