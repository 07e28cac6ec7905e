"""A diffusers pipeline from a folder, exactly as the model document says; and others around the
same weights.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError

from imgassets.backends.base import BackendError
from imgassets.backends.device import Device
from imgassets.backends.quantizing import QuantizationError, quantization_config
from imgassets.backends.tensors import disagreements, recorded
from imgassets.backends.whole_folder import whole_folder
from imgassets.documents.model import Scheduler
from imgassets.documents.pipeline_options import Loading
from imgassets.documents.weights import absent_components

Task = Literal["image to image", "inpainting"]
#: Import name of each package that quantizes.
_MODULES = {
    "bitsandbytes": "bitsandbytes",
    "torchao": "torchao",
    "optimum-quanto": "optimum.quanto",
}
_LONGEST = 500
#: What diffusers, transformers and safetensors raise for files and settings they cannot use.
_LOADING_ERRORS = (
    AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError,
    SafetensorError,
)  # fmt: skip


@dataclass(frozen=True)
class Loader:
    """Loads the pipelines of one model.

    Attributes:
        where: file (and field) that says so, for messages.
        folder: a diffusers folder in safetensors format.
        dtype: a dtype of torch.
        loading: see `Loading`.
        device: where it runs.
    """

    where: str
    folder: Path
    dtype: str
    loading: Loading
    device: Device

    def load(self, pipeline: str | None, scheduler: Scheduler | None) -> Any:
        """The pipeline: of a named class, or the one model_index.json names.

        Raises:
            BackendError: a part is missing or does not fit; the message names the setting.
        """
        import diffusers
        import torch

        quiet_libraries()
        options = {
            "dtype": getattr(torch, self.dtype),
            "variant": self.loading.variant,
            "use_safetensors": True,
            "local_files_only": True,
            "trust_remote_code": False,
            "quantization_config": self._quantization(),
            # Parts the folder declares absent (SD3 without T5) must be passed as such.
            **dict.fromkeys(absent_components(self.folder)),
        }
        try:
            cls = getattr(diffusers, pipeline or "DiffusionPipeline")
            with recorded() as networks, whole_folder(self.folder) as folder:
                loaded = cls.from_pretrained(str(folder), **options)
        except _LOADING_ERRORS as error:
            raise self._error(
                f"{self.folder} cannot be loaded as {pipeline or 'model_index.json says'}: "
                f"{one_line(error)}",
                "check `weights`, `pipeline` and `loading`",
            ) from error
        wrong = disagreements(networks)
        if wrong:
            raise self._error("; ".join(wrong), "download the weights again, or correct `weights`")
        if scheduler is not None:
            loaded.scheduler = self._scheduler(loaded.scheduler.config, scheduler)
        self._set_up(loaded)
        return self._placed(loaded)

    def _scheduler(self, config: Any, asked: Scheduler) -> Any:
        """The scheduler of the document, on top of what the folder's own is set to."""
        import diffusers

        try:
            made = getattr(diffusers, asked.class_).from_config(config, **asked.settings)
        except (*_LOADING_ERRORS, ArithmeticError) as error:
            raise self._error(
                f"scheduler {asked.class_} cannot be made with these settings: {one_line(error)}",
                "correct `scheduler`",
            ) from error
        if made.config.get("noise_sampler_seed") is not None:
            raise self._error(
                "one noise_sampler_seed would give all images the same noise",
                "drop it from `scheduler.settings`, or from the folder's scheduler_config.json",
            )
        return made

    def derive(self, pipeline: Any, task: Task, name: str | None) -> Any:
        """Another pipeline around the same components; nothing is loaded twice.

        Not by `from_pipe` of a named class: that casts the shared weights to one dtype.

        Raises:
            BackendError: diffusers has none for the task, or the named one needs other parts.
        """
        import diffusers

        try:
            if name is None:
                auto = {
                    "image to image": diffusers.AutoPipelineForImage2Image,
                    "inpainting": diffusers.AutoPipelineForInpainting,
                }[task]
                return self._placed(auto.from_pipe(pipeline))
            cls = getattr(diffusers, name)
            known = {**pipeline.config, **pipeline.components}
            wanted = inspect.signature(cls.__init__).parameters
            return self._placed(cls(**{n: known[n] for n in wanted if n in known}))
        except _LOADING_ERRORS as error:
            raise self._error(
                f"{type(pipeline).__name__} gives no pipeline for {task}: {one_line(error)}",
                f"name a class in `{task}.pipeline` that takes the same components",
            ) from error

    def attention(self) -> AbstractContextManager[Any]:
        """In it, attention runs on the kernel of torch that was asked for."""
        chosen = self.loading.attention
        if chosen is None or chosen.startswith("diffusers:"):
            return nullcontext()
        from torch.nn.attention import SDPBackend, sdpa_kernel

        return sdpa_kernel(
            {
                "math": SDPBackend.MATH,
                "flash": SDPBackend.FLASH_ATTENTION,
                "efficient": SDPBackend.EFFICIENT_ATTENTION,
                "cudnn": SDPBackend.CUDNN_ATTENTION,
            }[chosen]
        )

    # ---- settings --------------------------------------------------------------------------

    def _quantization(self) -> Any:
        asked = self.loading.quantization
        if asked is None:
            return None
        try:
            return quantization_config(asked, self.folder)
        except QuantizationError as error:
            raise BackendError(f"{self.where}: {error}") from error

    def _set_up(self, pipeline: Any) -> None:
        pipeline.set_progress_bar_config(disable=True)
        loading = self.loading
        for wanted, method in (
            (loading.vae_tiling, "enable_tiling"),
            (loading.vae_slicing, "enable_slicing"),
        ):
            if wanted:
                self._part(pipeline, "vae", method)()
        if loading.attention and loading.attention.startswith("diffusers:"):
            self._dispatch(pipeline, loading.attention.partition(":")[2])
        if loading.compile:
            how = loading.compile.model_dump(exclude={"components"})
            for name in loading.compile.components:
                self._part(pipeline, name, "compile")(**how)

    def _part(self, pipeline: Any, name: str, method: str) -> Any:
        found = getattr(getattr(pipeline, name, None), method, None)
        if found is None:
            parts = ", ".join(n for n, part in pipeline.components.items() if part is not None)
            raise self._error(
                f"{type(pipeline).__name__} has no {name} that can `{method}`",
                f"correct `loading`; it has: {parts}",
            )
        return found

    def _dispatch(self, pipeline: Any, backend: str) -> None:
        """Set an attention backend of diffusers on this pipeline, and on no other."""
        from diffusers.models import attention_dispatch

        registry = attention_dispatch._AttentionBackendRegistry
        others = registry._active_backend
        parts = [p for p in pipeline.components.values() if hasattr(p, "set_attention_backend")]
        if not any(_dispatches(part) for part in parts):
            raise self._error(
                f"{type(pipeline).__name__} would ignore attention backend {backend}",
                "use a kernel of torch in `loading.attention`: math, flash, efficient or cudnn",
            )
        try:
            for part in parts:
                part.set_attention_backend(backend)
        except (ImportError, RuntimeError, ValueError) as error:
            raise self._error(str(error), "correct `loading.attention`") from error
        finally:
            registry.set_active_backend(others)  # diffusers sets it for all models at once

    def _placed(self, pipeline: Any) -> Any:
        pipeline.set_progress_bar_config(disable=True)
        if self.device == "cpu" or self.loading.offload == "none":
            return pipeline.to(self.device)
        if self.loading.offload == "model":
            pipeline.enable_model_cpu_offload(device=self.device)
        else:
            pipeline.enable_sequential_cpu_offload(device=self.device)
        return pipeline

    def _error(self, what: str, fix: str) -> BackendError:
        return BackendError(f"{self.where}: {what}; {fix}")


def _dispatches(part: Any) -> bool:
    return any(hasattr(getattr(m, "processor", None), "_attention_backend") for m in part.modules())


def made_with(pipeline: Any) -> dict[str, Any]:
    """What really runs, as JSON values: classes, dtypes, and every setting of the scheduler."""
    scheduler = pipeline.scheduler
    found = {
        "pipeline": type(pipeline).__name__,
        "scheduler": {"class": type(scheduler).__name__, "settings": dict(scheduler.config)},
        "components": {
            name: " ".join([type(part).__name__, *_dtype(part)])
            for name, part in sorted(pipeline.components.items())
            if part is not None
        },
    }
    return json.loads(json.dumps(found, default=str))


def one_line(error: BaseException) -> str:
    """An error in one line, short enough to read; libraries write reports of many."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _dtype(part: Any) -> Sequence[str]:
    dtype = getattr(part, "dtype", None)
    return [] if dtype is None else [str(dtype).removeprefix("torch.")]


def quiet_libraries() -> None:
    """Silence the progress bars and notices of the Hugging Face libraries; errors stay."""
    import diffusers
    import transformers

    for logging in (diffusers.utils.logging, transformers.utils.logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
