"""The whole production chain, made, measured and judged; a changed step remakes its own images."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.flows import FLOWS
from imgassets.report.data_docs import suite
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome
from imgassets_tests.conftest import add_chain, edit_file
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import Done, validated, write_small_project

ENDPOINT = "contracts/endpoints/cards.yaml"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """One model through five flows."""
    root = tmp_path_factory.mktemp("chain")
    write_small_project(root)
    add_chain(root)
    edit_file(root / ENDPOINT, "incumbent: prod", "incumbent: fast")
    edit_file(root / ENDPOINT, "candidates: [fast]", "candidates: []")
    criteria = (
        "  - {metric: stylization.change, flow: stylize, floor: 0.1}\n"
        "  - {metric: artefacts.clean, flow: postprocess, floor: 0.9}\n"
        "  - {metric: cost.usd, flow: postprocess, ceiling: 0.001}\n"
    )
    edit_file(root / ENDPOINT, "budget:", criteria + "budget:")
    return root, validated(root)


def test_each_step_is_made_measured_and_priced(chain: tuple[Path, Done]) -> None:
    """3 prompts, one with an edit, 2 seeds; every flow has its images, scores and costs."""
    root, done = chain
    assert done.images == {"generate": 6, "stylize": 6, "edit": 2, "upscale": 2, "postprocess": 2}
    assert done.planned.to_dict()["images"] == done.images
    costs = read_table(root, "cards", "fast", "cost")
    assert set(costs["flow"]) == set(FLOWS)
    usd = costs[costs["metric"] == "cost.usd"]
    assert (usd.groupby("flow")["value"].mean() > 0).all()
    artefacts = read_table(root, "cards", "fast", "artefacts")
    clean = artefacts[artefacts["metric"] == "artefacts.clean"]
    assert (clean[clean["flow"] == "postprocess"]["value"] == 1).all()
    composition = read_table(root, "cards", "fast", "composition")
    assert {"stylize", "postprocess"} <= set(composition["flow"])
    stylization = read_table(root, "cards", "fast", "stylization")
    assert set(stylization["metric"]) == {"stylization.structure", "stylization.change"}
    judged = read_table(root, "cards", "fast", "comparison")
    kept = judged[judged["metric"] == "artefacts.clean"]
    assert {"upscale", "postprocess"} <= set(kept["flow"])


def test_data_docs_show_every_flow(chain: tuple[Path, Done]) -> None:
    """The contract's failure mode is held against the images of all five."""
    root, _ = chain
    built = suite(load_project(root).endpoint("cards"), "fast", ProjectHome(root / ".imgassets"))
    assert built is not None
    held = {name.split("__")[0] for name in built.columns if "__failures_" in name}
    assert held == set(FLOWS)


def test_records_tell_what_really_ran(chain: tuple[Path, Done]) -> None:
    """The scheduler's every setting with each painted image; the file's size where it converts."""
    root, _ = chain
    store = ImageStore(root / ".imgassets/images")
    images = read_table(root, "cards", "fast", "stylized")
    made = store.record(images["image_key"][0]).made_with
    assert made["pipeline"] == "StableDiffusion3Img2ImgPipeline"
    assert made["scheduler"]["settings"]["shift"] == 2.0
    processed = read_table(root, "cards", "fast", "postprocessed")
    record = store.record(processed["image_key"][0])
    assert (record.width, record.height) == (128, 128)
    assert record.made_with["delivered_bytes"] > 100


def test_a_changed_step_remakes_post_processed_images_alone(
    chain: tuple[Path, Done], tmp_path: Path
) -> None:
    root, _ = chain
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    edit_file(tmp_path / ENDPOINT, "amount: 0.5", "amount: 0.9")
    done = validated(tmp_path)
    assert done.images == {"generate": 0, "stylize": 0, "edit": 0, "upscale": 0, "postprocess": 2}
    assert done.planned.to_dict()["images"] == done.images
    stages = {key.split("/")[-1] for key in done.assets}
    untouched = {"generated", "stylized", "edited", "upscaled", "upscaling", "edit_stability"}
    assert "postprocessed" in stages
    assert not stages & (untouched | {"stylization"})
    reasons = " ".join(done.planned.must.values())
    assert f"{ENDPOINT}:" in reasons
    assert "postprocess[1].amount: 0.5 -> 0.9" in reasons
