"""Weights of judges that run by transformers: found, checked, and loaded without running any code.

Weights are safetensors only (a pickle can run code), from a folder or a commit of the hub. What
would run code of a repository (`auto_map`) is refused. So are weights that lack a part of the
model: transformers would fill it with random numbers, and the scores would be as random.
torch and transformers load when a judge is opened, not when this module is imported.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import JudgeWeights
from imgassets.documents.weights import hub_name, weights_folder
from imgassets.judges.errors import JudgeError

Pixels = NDArray[np.uint8]

#: What is downloaded: no pickles, no code.
_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
#: The class of transformers that opens a kind of judge; `clip` has a rule of its own.
AUTO_CLASSES = {
    "object-detection": "AutoModelForObjectDetection",
    "instance-segmentation": "AutoModelForUniversalSegmentation",
    "zero-shot-object-detection": "AutoModelForZeroShotObjectDetection",
    "vqa": "AutoModelForImageTextToText",
    "clip": "AutoModel",
}
#: Models of `AutoModel` that have one space for images and texts.
CLIP_TYPES = ("clip", "siglip", "siglip2")
#: Models of these classes that answer in another form than the rest of their kind.
_NOT_FOR = {
    "instance-segmentation": ("detr", "oneformer", "videomt"),
    "zero-shot-object-detection": ("omdet-turbo",),
}
_LOADING = (AssertionError, ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError)
_MISFITS = (AttributeError, ImportError, LookupError, NotImplementedError, TypeError, ValueError)
_ONE_AT_A_TIME = threading.RLock()


def folder_of(root: Path, weights: JudgeWeights, where: str) -> Path:
    """The folder of some weights; those of the hub are downloaded first, unless they are there.

    What is in the cache of `huggingface_hub` (`HF_HOME`) needs no network; a gated repository needs
    a token in `HF_TOKEN`.

    Args:
        root: the project's, where relative folders start.
        weights: a document that names weights.
        where: who asks, for messages.

    Raises:
        JudgeError: they cannot be had, or may not be loaded; says why and what to do.
    """
    name = hub_name(weights.weights)
    if name is None:
        folder = weights_folder(root, weights.weights)
    else:
        folder = _downloaded(name, str(weights.revision), where)
    _refuse_code(folder, where)
    _refuse_pickles(folder, where)
    return folder


def load_model(folder: Path, kind: str, dtype: str, device: str, where: str) -> Any:
    """A model of transformers, ready to answer.

    Args:
        folder: of `folder_of`.
        kind: of judge; see `AUTO_CLASSES`.
        dtype: `float32`, `float16` or `bfloat16`.
        device: `cpu`, `cuda`, ...
        where: who asks, for messages.

    Raises:
        JudgeError: the architecture does not fit the kind, or cannot be loaded whole.
    """
    import torch
    import transformers

    _quiet()
    try:
        config = transformers.AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        _refuse_other_kinds(config, kind, where)
        model, told = getattr(transformers, AUTO_CLASSES[kind]).from_pretrained(
            str(folder),
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        _refuse_random(told, where)
        return model.to(device).eval()
    except JudgeError:
        raise
    except _LOADING as error:
        raise JudgeError(
            f"{where}: cannot load {AUTO_CLASSES[kind]} from {folder}; expected its config and "
            f"weights as safetensors: {error}"
        ) from error


def load_processor(folder: Path, auto_class: str, where: str) -> Any:
    """A processor, image processor or tokenizer of transformers.

    Image processors resize by Pillow, whether torchvision is installed or not: it gives other
    pixels, and with them other scores.

    Args:
        folder: of `folder_of`.
        auto_class: `AutoProcessor`, `AutoImageProcessor` or `AutoTokenizer`.
        where: who asks, for messages.

    Raises:
        JudgeError: it cannot be loaded.
    """
    import transformers

    options = {"backend": "pil"} if auto_class == "AutoImageProcessor" else {}
    try:
        return getattr(transformers, auto_class).from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, **options
        )
    except _LOADING as error:
        raise JudgeError(
            f"{where}: cannot load {auto_class} from {folder}; expected what the model's "
            f"processor needs (`preprocessor_config.json`, a tokenizer): {error}"
        ) from error


@contextmanager
def exact() -> Iterator[None]:
    """A block that a model answers in: no gradients, deterministic kernels, no TF32, one at a time.

    TF32 would round float32 to 10 bits on the way. The settings are global to the process, and go
    back to what they were, so that no backend makes other images for it.
    """
    import torch

    cudnn = {"enabled": True, "benchmark": False, "deterministic": True, "allow_tf32": False}
    with _ONE_AT_A_TIME, torch.inference_mode(), torch.backends.cudnn.flags(**cudnn):
        yield


def try_out(look: Callable[[Pixels], object], where: str) -> None:
    """Shows a judge a gray image when it is opened: what it can never do is told then, once.

    Raises:
        JudgeError: it cannot answer; says why.
    """
    try:
        look(np.full((64, 96, 3), 127, np.uint8))
    except JudgeError:
        raise
    except _MISFITS as error:
        raise JudgeError(
            f"{where}: the model or its processor does not answer as others of its kind do: "
            f"{type(error).__name__}: {error}"
        ) from error


def _downloaded(name: str, revision: str, where: str) -> Path:
    from huggingface_hub import snapshot_download

    _quiet()
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_FILES)))
    except (OSError, ValueError) as error:  # huggingface_hub's errors are kinds of these
        raise JudgeError(
            f"{where}: {name} at commit {revision} cannot be downloaded: {error}; check the name "
            "and the commit, the network, and HF_TOKEN for gated models"
        ) from error


def _refuse_code(folder: Path, where: str) -> None:
    if (folder / "adapter_config.json").is_file():  # names another model, pinned by nothing
        raise JudgeError(f"{where}: {folder} is an adapter; merge it into its model, and save that")
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue  # loading it tells
        if isinstance(content, dict) and content.get("auto_map"):
            raise JudgeError(
                f"{where}: {path} asks for code of its own (`auto_map`), which is never run; take "
                "a model that transformers knows"
            )


def _refuse_pickles(folder: Path, where: str) -> None:
    if not folder.is_dir():
        raise JudgeError(f"{where}: no weights at {folder}; put them there, or correct `weights`")
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in _PICKLES)
    has = f"only {', '.join(pickles)}, a pickle, which can run code" if pickles else "no weights"
    raise JudgeError(
        f"{where}: {folder} has {has}; expected safetensors: take a repository or a commit that "
        "has them, or save the model again by `save_pretrained`"
    )


def _fits(config: Any, kind: str) -> bool:
    import transformers

    if kind == "clip":
        return config.model_type in CLIP_TYPES
    if config.model_type in _NOT_FOR.get(kind, ()):
        return False
    return type(config) in getattr(transformers, AUTO_CLASSES[kind])._model_mapping


def _refuse_other_kinds(config: Any, kind: str, where: str) -> None:
    if _fits(config, kind):
        return
    others = [other for other in AUTO_CLASSES if _fits(config, other)]
    fix = (
        f"write `kind: {' or '.join(others)}`"
        if others
        else f"no kind of judge can use it; kinds are {', '.join(AUTO_CLASSES)}"
    )
    raise JudgeError(f"{where}: a {config.model_type} model does not fit kind {kind}; {fix}")


def _refuse_random(told: dict[str, Any], where: str) -> None:
    missing = sorted(map(str, told.get("missing_keys") or ()))
    changed = sorted(str(key) for key, *_ in told.get("mismatched_keys") or ())
    if missing or changed:
        named = ", ".join([*missing, *changed][:3])
        raise JudgeError(
            f"{where}: the weights lack {len(missing) + len(changed)} of the model's parameters "
            f"({named}, ...), which would be random; take weights of this very model"
        )


def _quiet() -> None:
    """No progress bars and notices; errors stay."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
