"""Whose fault an exception is: the model's, the documents', or this machine's.

A verdict is about the model. So what the documents ask for in vain, and what this machine cannot
do, must not count against it; the error's own words are kept, for they say what to mend.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from imgassets.backends.base import BackendError, DocumentFault, Outcome
from imgassets.documents.failures import ModeName
from imgassets.images.encoding import NonFiniteImageError
from imgassets.images.masks import EmptyRegionError

#: torch raises OutOfMemoryError on GPUs, and plain RuntimeErrors elsewhere.
_NO_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "alloc_failed",
)
#: What torch says when a device or its driver is at fault; not a device-side assert, which an
#: index out of range causes too.
_MACHINE = (
    "cuda error",
    "cuda driver",
    "cudnn error",
    "cublas error",
    "hip error",
    "mps backend",
    "no kernel image",
    "no available kernel",
    "no viable backend",
    "not implemented for",
    "no space left on device",
)
_ASSERT = "device-side assert"
#: Shapes follow from the request and the architecture; no weight can make them right or wrong.
_SHAPES = (
    "is invalid for input of size",
    "must match the size of tensor",
    "sizes of tensors must match",
    "shapes cannot be multiplied",
    "can't be greater than actual input size",
    "calculated padded input size",
    "output size is too small",
)
#: Errors that these modules of diffusers raise themselves are about the arguments they got.
_ARGUMENTS = ("diffusers.pipelines.", "diffusers.schedulers.", "diffusers.image_processor")


def failed(error: Exception) -> Outcome:
    """An exception as the outcome of one request: its failure mode and its own words."""
    if isinstance(error, NonFiniteImageError):
        return Outcome(failure="non_finite", message=str(error))
    for cause in _chain(error):
        mode = _mode(cause)
        if mode is not None:
            return Outcome(failure=mode, message=_one_line(cause))
    return Outcome(failure="backend_error", message=f"{type(error).__name__}: {_one_line(error)}")


def _is_out_of_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in _NO_MEMORY)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def _mode(error: BaseException) -> ModeName | None:
    said = str(error).lower()
    if isinstance(error, DocumentFault):
        return error.mode
    if isinstance(error, EmptyRegionError):
        return "bad_document"
    if isinstance(error, BackendError):
        return "machine_error"
    if _is_out_of_memory(error):
        return "out_of_memory"
    if isinstance(error, (ImportError, OSError)):
        return "machine_error"
    if isinstance(error, RuntimeError) and _ASSERT not in said:
        if any(words in said for words in _MACHINE):
            return "machine_error"
        if any(words in said for words in _SHAPES):
            return "bad_document"
    if isinstance(error, (ValueError, TypeError, NotImplementedError)) and _about_arguments(error):
        return "bad_document"
    return None


def _about_arguments(error: BaseException) -> bool:
    """Whether a pipeline or scheduler raised it itself, rather than something that it called."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__")).startswith(_ARGUMENTS)


def _one_line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return said or type(error).__name__
