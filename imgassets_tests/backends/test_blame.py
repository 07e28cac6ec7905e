"""Whose fault an exception is; raised by the real libraries wherever they can be made to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from imgassets.backends.base import DeviceError, DocumentFault, MachineFault
from imgassets.backends.blame import failed
from imgassets.backends.diffusers_backend import DiffusersBackend
from imgassets.backends.registry import (
    maker_of,
    open_backend,
    opened_late,
    postprocess_maker,
)
from imgassets.images.masks import EmptyRegionError, region_box, region_mask
from imgassets_tests.backends.conftest import asked, document

Small = Callable[[str], Path]
SOURCE = Image.new("RGB", (64, 64), "red")


def raised(by: Callable[[], Any]) -> Exception:
    try:
        by()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def opened(small: Small) -> DiffusersBackend:
    return DiffusersBackend(document("sd3", small("sd3")), small("sd3"), "cpu")


# ---- what the documents ask for in vain ----------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": [100, 100]}, "cannot make [100, 100]: its sides are multiples of 16"),
        ({"size": [64, 65]}, "sides are multiples of 16"),
        ({"max_sequence_length": 1600}, "cannot be greater than 512"),
        ({"arguments": {"prompt_embeds": 1}}, "only forward one of the two"),
        ({"arguments": {"callback_on_step_end_tensor_inputs": ["zz"]}}, "zz"),
    ],
)
def test_what_a_pipeline_refuses_is_the_documents_fault(
    small: Small, changes: dict[str, Any], words: str
) -> None:
    backend = opened(small)
    request = asked(backend._model)
    size = {"size": changes["size"]} if "size" in changes else {}
    request |= size or {"sampling": request["sampling"] | changes}
    outcome = backend.generate([request])[0]
    assert outcome.failure == "bad_document"
    assert words in outcome.message
    assert "\n" not in outcome.message


def test_shapes_that_do_not_fit_are_the_documents_fault(small: Small) -> None:
    backend = opened(small)
    request = asked(backend._model, "stylize")
    request["sampling"] |= {"strength": 0}  # leaves no step to do
    assert backend.stylize([request], [SOURCE])[0].failure == "bad_document"
    linear = torch.nn.Linear(4, 4)
    assert failed(raised(lambda: linear(torch.zeros(2, 3)))).failure == "bad_document"
    assert failed(raised(lambda: torch.zeros(5).reshape(2, 3))).failure == "bad_document"


def test_a_region_under_a_pixel_fails_alone_in_its_batch(small: Small) -> None:
    """Its neighbour is made, and is the image that it would be without it."""
    backend = opened(small)
    good = asked(backend._model, "edit")
    tiny = good | {"region": [0.5, 0.5, 0.501, 0.501]}
    made, lost = backend.edit([good, tiny], [SOURCE, SOURCE])
    assert lost.failure == "bad_document"
    assert "edit.region [0.5, 0.5, 0.501, 0.501] holds not a single pixel" in lost.message
    assert made.failure is None
    alone = backend.edit([good], [SOURCE])[0]
    assert made.image is not None
    assert alone.image is not None
    assert made.image.tobytes() == alone.image.tobytes()


@pytest.mark.parametrize(
    "region",
    [(0.5, 0.5, 0.504, 0.504), (0.5, 0, 0.503, 1), (0, 0, 0.004, 0.004), (0, 0.999, 1, 1)],
)
def test_a_region_is_at_least_one_pixel(region: tuple[float, float, float, float]) -> None:
    with pytest.raises(EmptyRegionError, match="make it larger"):
        region_mask(region, (96, 96))


def test_a_region_of_one_pixel_is_one() -> None:
    assert region_box((0.5, 0.5, 0.511, 0.511), (96, 96)) == (48, 48, 48, 48)
    assert sum(region_mask((0.5, 0.5, 0.511, 0.511), (96, 96)).tobytes()) == 255


def test_post_processing_is_never_the_models_fault(tmp_path: Path) -> None:
    (tmp_path / "mark.png").write_bytes(b"no image")
    mark = {"kind": "watermark", "image": "mark.png", "corner": "top-left", "height": 0.5}
    mark |= {"opacity": 0.5}
    make = postprocess_maker(tmp_path)
    unreadable = make([{"steps": [mark]}], [SOURCE])[0]
    assert unreadable.failure == "machine_error"
    wide = mark | {"text": "very long words", "height": 0.9}
    del wide["image"]
    assert make([{"steps": [wide]}], [SOURCE])[0].failure == "bad_document"


# ---- what this machine cannot do -----------------------------------------------------------


def test_a_missing_package_is_the_machines_fault() -> None:
    import diffusers

    outcome = failed(raised(lambda: diffusers.DPMSolverSDEScheduler()))
    assert outcome.failure == "machine_error"
    assert "requires the torchsde library" in outcome.message
    assert "\n" not in outcome.message


def test_a_kernel_this_device_lacks_is_the_machines_fault(small: Small) -> None:
    model = document("sd3", small("sd3"), loading={"attention": "cudnn"})
    backend = DiffusersBackend(model, small("sd3"), "cpu")
    assert backend.generate([asked(model)])[0].failure == "machine_error"


@pytest.mark.parametrize(
    ("by", "mode"),
    [
        (lambda: Path("/nowhere/weights").read_bytes(), "machine_error"),
        (lambda: Path("/dev/full").write_bytes(b"x" * 10_000), "machine_error"),  # no space left
        (lambda: __import__("no_such_package"), "machine_error"),
        (lambda: torch.empty(2**60, dtype=torch.uint8), "out_of_memory"),
        (lambda: bytearray(2**60), "out_of_memory"),
        (lambda: torch.zeros(3)[5], "backend_error"),
        (lambda: {}["key"], "backend_error"),
        (lambda: int("five"), "backend_error"),  # a ValueError, but of no pipeline
    ],
)
def test_what_python_and_torch_raise(by: Callable[[], Any], mode: str) -> None:
    outcome = failed(raised(by))
    assert outcome.failure == mode
    assert outcome.message


def test_the_cause_tells_whose_fault_it_is() -> None:
    """transformers wraps a missing package into a RuntimeError."""

    def wrapped() -> None:
        try:
            __import__("no_such_package")
        except ImportError as error:
            raise RuntimeError("failed to import") from error

    outcome = failed(raised(wrapped))
    assert (outcome.failure, outcome.message) == (
        "machine_error",
        "No module named 'no_such_package'",
    )


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("CUDA error: no kernel image is available for execution on the device", "machine_error"),
        ("CUDA error: device-side assert triggered", "backend_error"),
        ("CUDA out of memory. Tried to allocate 2.00 GiB", "out_of_memory"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate", "out_of_memory"),
        ("\"addmm_impl_cpu_\" not implemented for 'Half'", "machine_error"),
    ],
)
def test_words_of_devices_that_are_not_here(said: str, mode: str) -> None:
    assert failed(RuntimeError(said)).failure == mode


def test_backends_can_say_it_themselves() -> None:
    assert failed(DocumentFault("too small")).failure == "bad_document"
    assert failed(MachineFault("no room")).failure == "machine_error"
    assert failed(MachineFault("no room")).message == "no room"


# ---- what keeps a model from working at all ------------------------------------------------


def test_a_model_that_cannot_be_loaded_is_tried_once_and_says_why(small: Small) -> None:
    tried = []

    def without_a_package() -> DiffusersBackend:
        tried.append(1)
        needs = {"class": "DPMSolverSDEScheduler", "settings": {}}
        model = document("sd3", small("sd3"), scheduler=needs)
        return DiffusersBackend(model, small("sd3"), "cpu")

    request = asked(document("sd3", small("sd3")))
    make = opened_late(lambda: maker_of("generate", without_a_package()))
    for _ in range(2):
        outcomes = make([request, request], [])
        assert [o.failure for o in outcomes] == ["machine_error"] * 2
        assert "torchsde" in outcomes[0].message
    assert tried == [1]


def test_missing_weights_are_the_machines_fault(tmp_path: Path) -> None:
    model = document("sd3", tmp_path)
    make = opened_late(lambda: maker_of("generate", open_backend(tmp_path, model, "cpu")))
    outcome = make([asked(model)], [])[0]
    assert outcome.failure == "machine_error"
    assert "model_index.json" in outcome.message


def test_a_device_that_is_not_here_stops_the_run(tmp_path: Path) -> None:
    """No model could make anything on it: the command was wrong, not one of the models."""
    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    model = document("sd3", tmp_path)
    make = opened_late(lambda: maker_of("generate", open_backend(tmp_path, model, "cuda")))
    with pytest.raises(DeviceError, match="device cuda is not here"):
        make([asked(model)], [])


def test_a_fault_of_our_own_code_is_not_hidden(small: Small) -> None:
    def broken() -> Any:
        raise AttributeError("a slip")

    with pytest.raises(AttributeError, match="a slip"):
        opened_late(broken)([asked(document("sd3", small("sd3")))], [])
