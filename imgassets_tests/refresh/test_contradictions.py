"""Files of folders that say something else than they are said to be."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from PIL import Image, PngImagePlugin

from imgassets.backends.folder import FolderBackend
from imgassets.documents.project import load_project
from imgassets.refresh.contradictions import contradicted_images
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of


def write_project(root: Path) -> None:
    for part in ("endpoints", "models"):
        (root / "contracts" / part).mkdir(parents=True)
    (root / "prompts").mkdir()
    (root / "prompts" / "few.yaml").write_text(
        "prompt_set: few\nprompts: [{id: p1, prompt: a red cup}, {id: p2, prompt: a blue cup}]\n"
    )
    (root / "contracts" / "models" / "made.yaml").write_text(
        "model: made\nbackend: folder\nimages: pictures\nsize: [32, 32]\n"
        "price: {usd_per_image: 0, source: none, as_of: 2026-01-01}\n"
    )
    (root / "contracts" / "endpoints" / "cups.yaml").write_text(
        "endpoint: cups\naccepts: {max_prompt_chars: 100, sizes: [[32, 32]]}\n"
        "returns: {size: [32, 32], mode: RGB}\nflows: [generate]\nsampling: {seeds: [7]}\n"
        "prompt_sets: [few]\nincumbent: made\ncandidates: []\n"
        "criteria: [{metric: artefacts.clean, floor: 0.1}]\n"
    )
    for name, seed in (("p1", 5), ("p2", 7)):
        notes = PngImagePlugin.PngInfo()
        notes.add_text("parameters", f"a cup\nSteps: 2, Sampler: Euler, Seed: {seed}")
        path = root / "pictures" / name / "7.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (32, 32), "red" if name == "p1" else "blue").save(path, pnginfo=notes)


def take_in(root: Path) -> None:
    """Both images in the store, and their table, as a run leaves them."""
    from imgassets.requests import build_requests

    project = load_project(root)
    store, home = store_of(home_of(root)), home_of(root)
    requests = build_requests(project, "cups", "made", "cpu")
    backend = FolderBackend(root, project.model("made"))  # type: ignore[arg-type]
    for request, outcome in zip(
        requests, backend.generate([r.inputs for r in requests]), strict=True
    ):
        assert outcome.image is not None
        store.put(
            request.image_key, outcome.image, request=request.inputs,
            made_at="2026-11-27T00:00:00+00:00", **outcome.making(),
        )  # fmt: skip
    table = home.output(("cups", "made", "generated"))
    table.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"image_key": r.image_key, "status": "ok"} for r in requests]
    pd.DataFrame(rows).to_parquet(table)


def test_a_seed_in_the_file_that_is_not_the_one_claimed_is_told(tmp_path: Path) -> None:
    write_project(tmp_path)
    branches = [("cups", "made")]
    project, store = load_project(tmp_path), store_of(home_of(tmp_path))
    assert contradicted_images(project, store, branches) == []
    take_in(tmp_path)
    (found,) = contradicted_images(project, store, branches)
    assert (found.images, len(found.said)) == (2, 1)
    assert "cups/made: 1 of 2 images contradicts" in str(found)
    assert "p1/7.png: AUTOMATIC1111 wrote seed 5 into the file, not 7" in str(found)


def test_of_many_the_first_are_told_and_the_rest_counted() -> None:
    from imgassets.refresh.contradictions import Contradicted

    many = Contradicted("cups", "made", 9, tuple(f"{i}.png: seed" for i in range(5)))
    assert many.in_words().endswith("0.png: seed; 1.png: seed; 2.png: seed; and 2 more")
