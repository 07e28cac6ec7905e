"""What generators wrote into PNG files, in the forms they write it."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imgassets.images.generator_notes import contradictions, read_notes

A1111 = """\
a cat on a mat, (best:1.2)
Negative prompt: dog
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234, Size: 512x512, Model: sd15"""
COMFYUI = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 55, "steps": 20, "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
}
INVOKEAI = {"seed": 9, "positive_prompt": "a cat", "steps": 30, "model": {"name": "sdxl"}}


def png(**text: str) -> bytes:
    info, file = PngInfo(), io.BytesIO()
    for name, value in text.items():
        info.add_text(name, value)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "tool", "prompt", "seeds"),
    [
        ({"parameters": A1111}, "AUTOMATIC1111", "a cat on a mat, (best:1.2)", (1234,)),
        ({"prompt": json.dumps(COMFYUI)}, "ComfyUI", None, (55,)),
        ({"invokeai_metadata": json.dumps(INVOKEAI)}, "InvokeAI", "a cat", (9,)),
    ],
)
def test_each_tools_notes_are_read(
    text: dict[str, str], tool: str, prompt: str | None, seeds: tuple[int, ...]
) -> None:
    notes = read_notes(png(**text))
    assert notes is not None
    assert (notes.tool, notes.prompt, notes.seeds) == (tool, prompt, seeds)
    assert contradictions(notes, seeds[0], prompt) == []
    assert f"not {seeds[0] + 1}" in contradictions(notes, seeds[0] + 1, prompt)[0]


def test_another_prompt_is_told() -> None:
    notes = read_notes(png(parameters=A1111))
    assert notes is not None
    assert "another prompt" in contradictions(notes, 1234, "a dog")[0]


def test_text_that_unpacks_to_too_much_is_left_alone() -> None:
    info, file = PngInfo(), io.BytesIO()
    info.add_text("parameters", "a" * 80_000_000, zip=True)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    assert read_notes(file.getvalue()) is None


@pytest.mark.parametrize("data", [png(), png(prompt="no json"), png(prompt="[1]"), b"\xff\xd8\xff"])
def test_files_that_say_nothing_say_nothing(data: bytes) -> None:
    assert read_notes(data) is None
