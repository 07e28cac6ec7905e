"""Write trained weights as an ordinary diffusers folder, whole or not at all."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, StableDiffusion3Pipeline

from imgassets.documents.shared_parts import FILE as SHARED_PARTS
from imgassets.tiny.tokenizer import build_tokenizer
from imgassets.tiny.train_flow import TRAIN_STEPS, FlowModel

SHARED = ("vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")


def build_pipeline(model: FlowModel, vae: AutoencoderKL, shift: float) -> StableDiffusion3Pipeline:
    """The plain SD3 pipeline around trained parts; it has no third text encoder."""
    return StableDiffusion3Pipeline(
        transformer=model.transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=TRAIN_STEPS, shift=shift),
        vae=vae,
        text_encoder=model.text_encoder,
        tokenizer=build_tokenizer(),
        text_encoder_2=model.text_encoder_2,
        tokenizer_2=build_tokenizer(),
        text_encoder_3=None,
        tokenizer_3=None,
    )


def export(
    model: FlowModel,
    vae: AutoencoderKL,
    folder: Path,
    shift: float,
    share_with: str | None = None,
) -> None:
    """Write ``folder`` in float16 safetensors, replacing what is there at the last moment.

    ``share_with`` names a sibling folder of the same autoencoder and text encoders; they are left
    out and named in a file (`imgassets.documents.shared_parts`).
    """
    part = folder.with_name(f".{folder.name}-{os.getpid()}")
    pipeline = build_pipeline(model, vae, shift)
    state = {name: getattr(pipeline, name) for name in ("transformer", *SHARED[:3])}
    copies = {name: _half(module) for name, module in state.items()}
    pipeline.register_modules(**copies)
    pipeline.save_pretrained(part, safe_serialization=True)
    _finish_index(part / "model_index.json")
    if share_with:
        for name in SHARED:
            shutil.rmtree(part / name)
        shared = {"folder": share_with, "parts": SHARED}
        (part / SHARED_PARTS).write_text(json.dumps(shared, indent=2) + "\n", encoding="utf-8")
    old = folder.with_name(f".{folder.name}-old-{os.getpid()}")
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _finish_index(path: Path) -> None:
    """Say that there is no third text encoder, and name the tokenizer's class as all versions do.

    ``save_pretrained`` drops absent parts, and transformers 5 writes its own name for the class
    that transformers 4 and 5 both know as PreTrainedTokenizerFast.
    """
    index = json.loads(path.read_text())
    index |= {name: [None, None] for name in ("text_encoder_3", "tokenizer_3")}
    index |= {name: ["transformers", "PreTrainedTokenizerFast"] for name in SHARED[3:]}
    path.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
    for name in SHARED[3:]:
        config = path.parent / name / "tokenizer_config.json"
        content = json.loads(config.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
        config.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def _half(module: torch.nn.Module) -> torch.nn.Module:
    return copy.deepcopy(module).to(torch.float16)
