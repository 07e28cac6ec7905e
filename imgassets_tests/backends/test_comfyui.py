"""What becomes of a workflow at a ComfyUI: images, failures by mode, a server left as it was."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Backend, BackendError, Outcome
from imgassets.backends.registry import open_backend, opened_late
from imgassets.documents.project import load_project
from imgassets_tests.backends.comfyui_models import write_comfyui
from imgassets_tests.conftest import edit_file
from imgassets_tests.fakes.comfyui_api import FakeComfyUI
from imgassets_tests.fakes.drawing import draw

SECRET = "sk-comfy-4f1c9a"  # noqa: S105 - of a server that is not real
MADE_WITH = {
    "server": "ComfyUI",
    "comfyui_version": "0.3.75",
    "pytorch_version": "2.9.1+cpu",
    "device": "cpu",
    "models": ["shoes.safetensors"],
}


@pytest.fixture
def fake() -> Iterator[FakeComfyUI]:
    with FakeComfyUI() as fake:
        yield fake


def opened(root: Path, fake: FakeComfyUI, **fields: str) -> Backend:
    """The backend of the small project's candidate; fields are added to its document."""
    write_comfyui(root, fake.url, **fields)
    project = load_project(root)
    assert project.problems == (), "\n".join(map(str, project.problems))
    return open_backend(root, project.model("fast"), "cpu")


def asked(count: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """Inputs of `generate`, as `imgassets.requests` builds them."""
    plain = {"prompt": "a large red circle on white", "negative_prompt": "", "size": [96, 96]}
    return [{"flow": "generate", **plain, "seed": seed} | changes for seed in range(count)]


def failure(outcome: Outcome) -> tuple[str | None, str]:
    assert outcome.image is None
    return outcome.failure, outcome.message


# ---- images --------------------------------------------------------------------------------


def test_the_table_fills_the_workflow_and_nothing_else(
    project_root: Path, fake: FakeComfyUI
) -> None:
    backend = opened(project_root, fake)
    (outcome,) = backend.generate(asked(seed=7, negative_prompt="dark"))
    assert outcome.image is not None, outcome.message
    assert np.array_equal(outcome.image, draw("a large red circle on white", 7, (96, 96)))
    assert outcome.made_with == MADE_WITH
    expected = json.loads((project_root / "workflows/make.json").read_text())
    expected["6"]["inputs"]["text"] = "a large red circle on white"
    expected["7"]["inputs"]["text"] = "dark"
    expected["3"]["inputs"]["seed"] = 7
    expected["5"]["inputs"] |= {"width": 96, "height": 96}
    assert fake.prompts == [expected]


def test_an_edit_repaints_inside_of_its_region_alone(project_root: Path, fake: FakeComfyUI) -> None:
    source = Image.new("RGB", (96, 96), "beige")
    what = asked(prompt="a large blue square", region=[0.0, 0.0, 0.5, 1.0])
    (outcome,) = opened(project_root, fake).edit(what, [source])
    assert outcome.image is not None, outcome.message
    changed = np.any(np.asarray(outcome.image) != np.asarray(source), axis=2)
    assert changed[:, :48].any()
    assert not changed[:, 48:].any()
    assert all(name.startswith("imgassets-") for name in fake.uploads)


@pytest.mark.parametrize("socket", [True, False])
def test_several_in_flight_come_in_order_with_and_without_a_websocket(
    project_root: Path, fake: FakeComfyUI, socket: bool
) -> None:
    fake.socket = socket
    backend = opened(project_root, fake, max_in_flight="4")
    outcomes = backend.generate(asked(8))
    for seed, outcome in enumerate(outcomes):
        assert outcome.image is not None, outcome.message
        assert np.array_equal(outcome.image, draw("a large red circle on white", seed, (96, 96)))


def test_seconds_are_those_of_the_run_without_the_wait_in_the_queue(
    project_root: Path, fake: FakeComfyUI
) -> None:
    fake.wrong = ["late"]
    outcomes = opened(project_root, fake, max_in_flight="2").generate(asked(2))
    quick, slow = sorted(outcome.seconds for outcome in outcomes)
    assert 1.0 <= slow < 3.0
    assert 0 < quick < 0.5


def test_an_image_made_again_is_really_made_again(project_root: Path, fake: FakeComfyUI) -> None:
    """ComfyUI repeats a known request from memory; that says nothing of reproducibility."""
    backend = opened(project_root, fake)
    first, second = (backend.generate(asked())[0] for _ in range(2))
    assert first.image is not None
    assert second.image is not None, second.message
    assert len(fake.ran) == 2
    assert second.seconds > 0


# ---- failures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "mode", "words"),
    [
        ("refused", "bad_document", "node 4 (CheckpointLoaderSimple): Value not in list: ckpt_na"),
        ("node_error", "backend_error", "node 3 (KSampler): ValueError: the moon is full"),
        ("out_of_memory", "out_of_memory", "torch.OutOfMemoryError: Allocation on device"),
        ("old_out_of_memory", "out_of_memory", "CUDA out of memory"),
        ("broken_device", "machine_error", "CUDA error"),
        ("no_image", "backend_error", "no node saved an image"),
        ("two_images", "bad_document", "node 9 saved 2 images; a request is one: set batch_size"),
        ("wrong_size", "wrong_size", "48x96 came, not 96x96"),
        ("not_an_image", "bad_payload", "not a usable image"),
        ("bomb", "bad_payload", "pixels"),
        ("lost_file", "bad_payload", "does not have the image it named"),
        ("broken", "server_error", "HTTP 500 for /prompt"),
        ("junk_reply", "bad_payload", "/prompt: the reply is no JSON object"),
        ("forgets", "unreachable", "was it restarted?"),
    ],
)
def test_a_failure_has_its_mode_and_words_and_the_next_image_comes(
    project_root: Path, fake: FakeComfyUI, fault: str, mode: str, words: str
) -> None:
    fake.wrong = [fault]
    bad, good = opened(project_root, fake).generate(asked(2))
    assert failure(bad)[0] == mode, bad.message
    assert words in bad.message
    assert good.image is not None, good.message


def test_what_takes_too_long_is_interrupted_at_the_server(
    project_root: Path, fake: FakeComfyUI
) -> None:
    """Not before its time, and the server is free for the next request at once."""
    fake.wrong = ["slow"]
    backend = opened(project_root, fake, timeout_seconds="1.0")
    start = time.monotonic()
    late, good = backend.generate(asked(2))
    assert failure(late)[0] == "timed_out"
    assert 1.0 <= time.monotonic() - start < 4.0
    assert len(fake.interrupts) == 1
    assert fake.interrupts[0]
    assert good.image is not None, good.message


def test_what_waits_behind_others_is_taken_off_the_queue_and_interrupts_nobody(
    project_root: Path, fake: FakeComfyUI
) -> None:
    others = opened(project_root, fake, timeout_seconds="60.0")
    fake.wrong = ["slow"]
    threading.Thread(target=others.generate, args=(asked(seed=77),), daemon=True).start()
    while not fake.prompts:
        time.sleep(0.01)
    mine = opened(project_root, fake, timeout_seconds="0.5")
    (late,) = mine.generate(asked())
    assert failure(late)[0] == "timed_out"
    assert len(fake.deleted) == 1
    assert fake.interrupts == []


def test_a_request_that_others_interrupt_is_no_fault_of_the_model(
    project_root: Path, fake: FakeComfyUI
) -> None:
    fake.wrong = ["slow"]
    threading.Timer(0.3, fake._stop.set).start()
    (outcome,) = opened(project_root, fake).generate(asked())
    assert failure(outcome) == ("machine_error", "somebody interrupted the request at the server")


def test_a_server_that_goes_away_is_unreachable(project_root: Path, fake: FakeComfyUI) -> None:
    backend = opened(project_root, fake)
    fake.leave()
    (outcome,) = backend.generate(asked())
    assert failure(outcome)[0] == "unreachable"
    assert fake.url in outcome.message


def test_a_negative_prompt_that_no_node_takes_is_a_fault_of_the_documents(
    project_root: Path, fake: FakeComfyUI
) -> None:
    path = write_comfyui(project_root, fake.url)
    edit_file(path, "  negative_prompt: 7.text\n  seed: 3.seed\n  width", "  seed: 3.seed\n  width")
    backend = open_backend(project_root, load_project(project_root).model("fast"), "cpu")
    plain, negative = asked(), asked(negative_prompt="dark")
    assert backend.generate(plain)[0].image is not None
    mode, message = failure(backend.generate(negative)[0])
    assert mode == "bad_document"
    assert "inputs has no negative_prompt" in message


# ---- opening -------------------------------------------------------------------------------


def refused(root: Path, fake: FakeComfyUI, **fields: str) -> str:
    with pytest.raises(BackendError) as error:
        opened(root, fake, **fields)
    return str(error.value)


def test_another_version_than_declared_is_told(project_root: Path, fake: FakeComfyUI) -> None:
    fake.version = "0.3.76"
    said = refused(project_root, fake)
    assert said.startswith("contracts/models/fast.yaml: comfyui_version: 0.3.75 is declared, and")
    assert "runs 0.3.76; install 0.3.75 there, or declare 0.3.76" in said
    fake.version = None
    assert "the server tells no version" in refused(project_root, fake)
    fake.version = "v0.3.75"
    assert opened(project_root, fake)


def test_versions_of_custom_nodes_are_asked_of_the_manager(
    project_root: Path, fake: FakeComfyUI
) -> None:
    declared = {"node_versions": "{comfyui-impact-pack: 8.8.1}"}
    fake.nodes = {"ComfyUI-Impact-Pack": {"ver": "8.8.1", "cnr_id": "comfyui-impact-pack"}}
    outcome = opened(project_root, fake, **declared).generate(asked())[0]
    assert outcome.made_with["node_versions"] == {"comfyui-impact-pack": "8.8.1"}
    fake.nodes["ComfyUI-Impact-Pack"]["ver"] = "8.9.0"
    said = refused(project_root, fake, **declared)
    assert "node_versions.comfyui-impact-pack: 8.8.1 is declared, and the server has 8.9.0" in said
    fake.nodes = {}
    assert "the server has none" in refused(project_root, fake, **declared)
    fake.nodes = None
    outcome = opened(project_root, fake, **declared).generate(asked(seed=5))[0]
    assert "no ComfyUI-Manager" in outcome.made_with["node_versions"]


def test_nodes_that_the_server_lacks_are_named(project_root: Path, fake: FakeComfyUI) -> None:
    path = write_comfyui(project_root, fake.url)
    edit_file(project_root / "workflows/edit.json", "VAEEncodeForInpaint", "InpaintPlus")
    with pytest.raises(BackendError, match=r"edit\.workflow: .* InpaintPlus \(node 5\)"):
        open_backend(project_root, load_project(project_root).model(path.stem), "cpu")


def test_no_server_is_told_with_the_field_and_becomes_a_row(
    project_root: Path, fake: FakeComfyUI
) -> None:
    fake.leave()
    said = refused(project_root, fake)
    assert said.startswith("contracts/models/fast.yaml: base_url: no ComfyUI answers at")
    make = opened_late(lambda: opened(project_root, fake).generate)  # type: ignore[arg-type, return-value]
    (outcome,) = make(asked(), [])
    assert failure(outcome)[0] == "machine_error"


def test_a_token_comes_from_the_environment_and_stands_in_no_message(
    project_root: Path, fake: FakeComfyUI, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = {"token": "{environment: COMFYUI_TOKEN}"}
    fake.token = f"Bearer {SECRET}"
    assert "COMFYUI_TOKEN" in refused(project_root, fake, **token)
    monkeypatch.setenv("COMFYUI_TOKEN", SECRET)
    (outcome,) = opened(project_root, fake, **token).generate(asked())
    assert outcome.image is not None, outcome.message
    monkeypatch.setenv("COMFYUI_TOKEN", "wrong-one")
    said = refused(project_root, fake, **token)
    assert "unauthorized" in said
    assert "wrong-one" not in said
