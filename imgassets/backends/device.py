"""Where images are made: choosing a device without importing torch, and metering what it costs."""

from __future__ import annotations

import platform
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil

from imgassets.backends.base import DeviceError

Device = Literal["cpu", "cuda", "mps"]
_SAMPLE_SECONDS = 0.05


def choose_device(wanted: str = "auto") -> tuple[Device, str]:
    """The device class to use, and why.

    Looks at the machine and at torch's version, so that planning never imports torch.

    Args:
        wanted: `auto`, or one of `cpu`, `cuda`, `mps` to insist.

    Raises:
        ValueError: another word was given.
    """
    if wanted in ("cpu", "cuda", "mps"):
        return wanted, "as configured"  # type: ignore[return-value]
    if wanted != "auto":
        raise ValueError(f"unknown device {wanted!r}; use auto, cpu, cuda or mps")
    if _torch_build() != "cpu" and Path("/proc/driver/nvidia/version").exists():
        return "cuda", "an NVIDIA driver is loaded and torch has CUDA"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps", "Apple silicon"
    return "cpu", "no usable GPU was found"


def require_device(device: Device) -> None:
    """Make sure that torch can use a device class.

    Raises:
        DeviceError: it cannot.
    """
    if device == "cpu":
        return
    import torch

    there = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if not there:
        raise DeviceError(
            f"device {device} is not here: torch {torch.__version__} sees none; leave --device "
            f"{device} out, or run on a machine that has one"
        )


def _torch_build() -> str:
    """The local part of torch's version (`cpu`, `cu130`), or an empty string."""
    try:
        return version("torch").partition("+")[2]
    except PackageNotFoundError:
        return "cpu"


class Meter:
    """Wall-clock seconds and peak memory of a `with` block.

    On a GPU the peak is the allocator's; elsewhere it is the process's resident memory, sampled
    every 50 ms by a thread (`ru_maxrss` would never fall again after a larger model).

    Attributes:
        seconds: duration of the block.
        peak_mib: highest memory in use, MiB.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._process = psutil.Process()
        self.seconds = 0.0
        self.peak_mib = 0.0

    def __enter__(self) -> Self:
        if self._device == "cuda":
            import torch

            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        else:
            self._thread.start()
        self._start = time.perf_counter()
        return self

    def _watch(self) -> None:
        while True:
            self.peak_mib = max(self.peak_mib, self._process.memory_info().rss / 2**20)
            if self._stop.wait(_SAMPLE_SECONDS):
                return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._device == "cuda" and error is None:
            import torch

            torch.cuda.synchronize()
            self.peak_mib = torch.cuda.max_memory_allocated() / 2**20
        self.seconds = time.perf_counter() - self._start
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join()
