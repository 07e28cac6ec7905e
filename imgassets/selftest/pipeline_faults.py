"""Faults inside a diffusers pipeline, for `imgassets selftest`; never used to make real images."""

from __future__ import annotations

from typing import Any

from imgassets.backends.diffusers_backend import DiffusersBackend
from imgassets.backends.registry import open_backend
from imgassets.documents.project import Project


def faulty_backend(
    project: Project, model: str, document: dict[str, Any], inside: tuple[str, float] | None
) -> DiffusersBackend:
    """A backend with a fault planted, on the CPU.

    Args:
        project: holds the model's document.
        model: the healthy model's name.
        document: fields of the document that are not what they were.
        inside: (name, amount): `vae_scale` multiplies latents before they are decoded, `vae_shift`
            adds to them; `half` rounds the decoder's activations to half precision after making
            them so many times larger, so that they overflow; `quantize` rounds the transformer's
            weights to so many bits; `text` multiplies what the text encoders say.

    Raises:
        ValueError: no such fault.
    """
    healthy = project.model(model)
    changed = type(healthy).model_validate(healthy.model_dump(by_alias=True) | document)
    backend = open_backend(project.root, changed, "cpu")
    if not isinstance(backend, DiffusersBackend):
        raise ValueError(f"{model}: faults can be planted in diffusers pipelines only")
    if inside is not None:
        name, amount = inside
        if name not in _PLANT:
            raise ValueError(f"unknown fault {name!r}; one of: {', '.join(_PLANT)}")
        _PLANT[name](backend.pipeline, amount)
    return backend


def _vae_scale(pipeline: Any, factor: float) -> None:
    _before_decoding(pipeline, lambda latents: latents * factor)


def _vae_shift(pipeline: Any, offset: float) -> None:
    _before_decoding(pipeline, lambda latents: latents + offset)


def _before_decoding(pipeline: Any, change: Any) -> None:
    decode = pipeline.vae.decode

    def wrong(latents: Any, *arguments: Any, **named: Any) -> Any:
        return decode(change(latents), *arguments, **named)

    pipeline.vae.decode = wrong


def _half(pipeline: Any, scale: float) -> None:
    def rounded(_module: Any, _inputs: Any, output: Any) -> Any:
        return (output * scale).half().float() / scale

    for block in pipeline.vae.decoder.up_blocks:
        block.register_forward_hook(rounded)


def _quantize(pipeline: Any, bits: float) -> None:
    import torch

    levels = 2.0 ** (bits - 1) - 1
    with torch.no_grad():
        for weight in pipeline.transformer.parameters():
            step = weight.abs().max() / levels
            if weight.ndim > 1 and step > 0:
                weight.copy_((weight / step).round() * step)


def _text(pipeline: Any, factor: float) -> None:
    encode = pipeline.encode_prompt

    def wrong(*arguments: Any, **named: Any) -> Any:
        return tuple(
            None if part is None else part * factor for part in encode(*arguments, **named)
        )

    pipeline.encode_prompt = wrong


_PLANT = {
    "vae_scale": _vae_scale,
    "vae_shift": _vae_shift,
    "half": _half,
    "quantize": _quantize,
    "text": _text,
}
