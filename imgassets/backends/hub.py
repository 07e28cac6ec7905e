"""Weights from the Hugging Face hub: one commit, safetensors only, no code."""

from __future__ import annotations

from pathlib import Path

from imgassets.backends.base import BackendError
from imgassets.documents.weight_files import broken_files
from imgassets.documents.weights import hub_name, weights_folder


def pipeline_folder(
    root: Path, weights: str, revision: str | None, where: str, variant: str | None = None
) -> Path:
    """The diffusers folder of some weights, downloaded first when they are on the hub.

    Downloads only what the pipeline needs, into the cache of `huggingface_hub` (`HF_HOME`); a
    gated repository needs a token in `HF_TOKEN`. What is in the cache needs no network.

    Args:
        root: the project's.
        weights, revision: as in `imgassets.documents.weights.Weights`.
        where: file and field, for messages.
        variant: weight files to prefer, such as `fp16`.

    Raises:
        BackendError: it cannot be had, or is not whole.
    """
    name = hub_name(weights)
    if name is None:
        folder = weights_folder(root, weights)
    else:
        folder = _download(name, revision, where, variant)
    broken = broken_files(folder, variant)
    if broken:
        raise BackendError(f"{where}: {'; '.join(broken)}")
    return folder


def _download(name: str, revision: str | None, where: str, variant: str | None) -> Path:
    from diffusers import DiffusionPipeline

    from imgassets.backends.pipelines import quiet_libraries

    quiet_libraries()
    try:
        folder = DiffusionPipeline.download(
            name, revision=revision, variant=variant, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:  # huggingface_hub's errors are kinds of OSError
        raise BackendError(
            f"{where}: {name} at commit {revision} cannot be downloaded: {error}; check the name "
            "and the commit, the network, and HF_TOKEN for gated models"
        ) from error
    return Path(folder)
