"""INCONCLUSIVE names the seeds that would settle it, and `--add-seeds` makes just those."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.defs.headless import plan, validate, validate_and_add_seeds
from imgassets.documents.project import load_project
from imgassets.refresh.extra_seeds import ExtraSeeds, extend, images_to_add, take_back
from imgassets.refresh.selection import Selection
from imgassets.storage.image_store import ImageStore
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import at_home, write_small_project

CONTRACT = """\
endpoint: {name}
accepts: {{max_prompt_chars: 60, sizes: [[96, 96]]}}
returns: {{size: [96, 96], mode: RGB, format: PNG}}
flows: [generate, edit, upscale]
sampling: {{seeds: [5, 6]}}
prompt_sets: [few]
incumbent: prod
candidates: [fast]
criteria:
  - {{metric: artefacts.clean, flow: generate, floor: {floor}}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two endpoints that share images; so few prompts can settle `posters` alone."""
    root = tmp_path_factory.mktemp("seeds")
    write_small_project(root)
    for name, floor in (("cards", 0.9), ("posters", 0.05)):
        path = root / "contracts" / "endpoints" / f"{name}.yaml"
        path.write_text(CONTRACT.format(name=name, floor=floor))
    return root


def _stored(root: Path) -> set[str]:
    return set(ImageStore(root / ".imgassets" / "images").keys())


def test_added_seeds_make_just_what_settles_it_and_can_be_taken_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    documents = {p: p.read_text() for p in root.rglob("*.yaml") if ".imgassets" not in p.parts}
    with at_home(root) as instance:
        before = validate(load_project(root), instance, Selection())
        assert [v.verdict for v in before] == ["INCONCLUSIVE", "INCONCLUSIVE", "GO", "GO"]
        assert [v.look for v in before] == [1] * 4
        images = _stored(root)
        posters = (root / ".imgassets/tables/posters/fast/comparison.parquet").stat().st_mtime_ns

        _, messages = validate_and_add_seeds(load_project(root), instance, Selection())
        assert "further seeds would not settle it, only prompts" in messages[0]
        assert _stored(root) == images

        # As verdicts that a third seed would settle; so few prompts settle nothing here.
        asking = [v.model_copy(update={"needed_seeds": 3}) for v in before]
        assert images_to_add(load_project(root), asking[:2], "cpu") == 14
        messages = extend(load_project(root), asking)
        after = validate(load_project(root), instance, Selection())
        assert [v.added_seeds for v in after] == [1, 1, 0, 0]
        assert "Rests on 1 more seed a prompt than the contract asks for" in after[1].sentence
        assert [v.look for v in after] == [2, 2, 1, 1]
        assert "This is look 2 at this comparison, judged at level 0.13 %" in after[1].sentence
        assert messages[1] == "cards/fast: seeds 7 added, for prod as well"
        store = ImageStore(root / ".imgassets" / "images")
        made = [store.record(key).request for key in _stored(root) - images]
        assert sorted(r["flow"] for r in made) == ["edit"] * 2 + ["generate"] * 6 + ["upscale"] * 6
        assert {r["seed"] for r in made if "seed" in r} == {7}
        assert set(read_table(root, "cards", "fast", "generated")["seed"]) == {5, 6, 7}
        again = (root / ".imgassets/tables/posters/fast/comparison.parquet").stat().st_mtime_ns
        assert again == posters
        assert {p: p.read_text() for p in documents} == documents

        assert plan(load_project(root), instance, Selection()).assets == {}

        project = load_project(root)
        take_back(project, Selection(("cards",)).branches(project))
        undone = plan(load_project(root), instance, Selection())
        assert undone.images == {}
        assert undone.must["cards/fast/requests_generate"] == "no seeds added any more"
        back = validate(load_project(root), instance, Selection())
        assert back == before  # the first look again, not a third


def test_a_damaged_extension_is_not_taken_for_none(tmp_path: Path) -> None:
    added = ExtraSeeds(tmp_path)
    assert added.read("cards", "fast") == ()
    added.write("cards", "fast", [7])
    assert added.read("cards", "fast") == (7,)
    added.path("cards", "fast").write_text("{")
    with pytest.raises(ValueError, match=r"fast\.json is damaged"):
        added.read("cards", "fast")
