"""The contract of `backends.base.Backend`: one suite that every backend passes.

To add a backend, add it to `case`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Backend, Outcome
from imgassets.backends.registry import open_backend
from imgassets.documents.failures import ModeName
from imgassets.documents.project import load_project
from imgassets.requests import build_requests
from imgassets_tests.backends.comfyui_models import COMFYUI, write_comfyui
from imgassets_tests.backends.command_models import COMMAND, write_program
from imgassets_tests.backends.hosted_models import provider
from imgassets_tests.conftest import write_project
from imgassets_tests.documents.test_hosted_documents import GEMINI, IDEOGRAM, OPENAI
from imgassets_tests.fakes.comfyui_api import FakeComfyUI

FOLDER = """\
model: fast
backend: folder
images: {images}
upscaler: {{kind: lanczos, scale: 2}}
price: {{usd_per_image: 0.02, source: a test, as_of: 2026-11-24}}
"""
DOCUMENTS = {
    "diffusers": None,
    "ideogram": IDEOGRAM,
    "gemini": GEMINI,
    "comfyui": COMFYUI,
    "folder": FOLDER,
    "openai": OPENAI,
    "command": COMMAND,
}


@dataclass(frozen=True)
class Case:
    """A project whose model `fast` is made by the backend under test."""

    root: Path
    #: Whether it needs no file of the project.
    portable: bool = True

    def open(self, root: Path | None = None) -> Backend:
        model = load_project(self.root).model("fast")
        if root and (self.root / "draw.py").exists():
            write_program(root)
        return open_backend(root if root and self.portable else self.root, model, "cpu")

    def inputs(self, flow: str) -> list[dict[str, Any]]:
        requests = build_requests(load_project(self.root), "cards", "fast", "cpu")
        return [r.inputs for r in requests if r.flow == flow]


def _images_made_elsewhere(folder: Path) -> Path:
    """One flat color for each request that `write_project` asks for, with a manifest."""
    folder.mkdir()
    places = [(f, p, s) for f in ("generate", "edit") for p in ("red-circle", "two-stars", "word")
              for s in (5, 6)]  # fmt: skip
    rows = ["file,prompt_id,seed,flow,seconds"]
    for i, (flow, prompt, seed) in enumerate(places):
        Image.new("RGB", (96, 96), (20 * i, 0, 100)).save(folder / f"{i}.png")
        rows.append(f"{i}.png,{prompt},{seed},{flow},0.5")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module", params=DOCUMENTS)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    root = tmp_path_factory.mktemp(request.param)
    write_project(root)
    document = DOCUMENTS[request.param]
    if document is None:
        yield Case(root)
        return
    if request.param == "comfyui":
        with FakeComfyUI() as fake:
            write_comfyui(root, fake.url)
            yield Case(root, portable=False)
        return
    if request.param == "folder":
        document = FOLDER.format(images=_images_made_elsewhere(root / "elsewhere"))
    (root / "contracts/models/fast.yaml").write_text(document)
    if request.param == "command":
        write_program(root)
    if request.param in ("folder", "command"):
        yield Case(root)
        return
    with pytest.MonkeyPatch.context() as patch, provider(patch, request.param):
        yield Case(root)


@pytest.fixture(scope="module")
def generated(case: Case) -> list[Outcome]:
    return case.open().generate(case.inputs("generate"))


def pixels(outcome: Outcome) -> np.ndarray:
    assert outcome.image is not None, f"{outcome.failure}: {outcome.message}"
    return np.asarray(outcome.image)


def test_one_outcome_a_request(case: Case, generated: list[Outcome]) -> None:
    assert len(generated) == len(case.inputs("generate")) == 6
    for outcome in generated:
        assert pixels(outcome).shape == (96, 96, 3)
        assert pixels(outcome).dtype == np.uint8
        assert outcome.failure is None
        assert outcome.seconds > 0
        assert outcome.peak_memory_mib >= 0
        assert outcome.batch_size >= 1


def test_seeds_and_prompts_make_a_difference(generated: list[Outcome]) -> None:
    assert len({pixels(o).tobytes() for o in generated}) == 6


def test_outcomes_come_in_the_order_of_the_requests(
    case: Case, generated: list[Outcome], tmp_path: Path
) -> None:
    """Also for a backend that remembers nothing; diffusers' weights come with the package."""
    backwards = case.open(tmp_path).generate(case.inputs("generate")[3::-1])
    for outcome, same in zip(backwards[::-1], generated, strict=False):
        assert np.array_equal(pixels(outcome), pixels(same))


def test_an_edit_changes_the_source_and_keeps_its_size(case: Case) -> None:
    asked = case.inputs("edit")
    sources = [Image.new("RGB", (96, 96), "beige")] * len(asked)
    for outcome in case.open().edit(asked, sources):
        assert pixels(outcome).shape == (96, 96, 3)
        assert not np.array_equal(pixels(outcome), np.asarray(sources[0]))


def test_nothing_asked_is_nothing_done(case: Case) -> None:
    assert case.open().generate([]) == []
    assert case.open().edit([], []) == []


def test_what_cannot_be_made_is_an_outcome_beside_those_that_can(case: Case) -> None:
    good = case.inputs("generate")[0]
    impossible = case.inputs("generate")[1] | {"size": [97, 31]}
    bad, fine = (case.open().generate([x])[0] for x in (impossible, good))
    assert bad.image is None
    assert bad.failure in get_args(ModeName)
    assert bad.message
    assert fine.failure is None
