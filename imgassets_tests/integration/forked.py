"""Validations in forks of a process that has everything imported: killing one costs no start-up."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from imgassets.storage import entries as store_module


@dataclass(frozen=True)
class Run:
    """A validation going on in another process."""

    pid: int
    log: Path

    def wait(self) -> int:
        """Its exit code; negative is the signal that killed it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def last_words(self) -> str:
        """The last line it wrote on standard error."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def warm_up() -> None:
    """Import what validations import. Nothing is computed, so that no thread is there to fork."""
    import great_expectations  # noqa: F401
    import torch  # noqa: F401
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,  # noqa: F401
        StableDiffusion3InpaintPipeline,  # noqa: F401
        StableDiffusion3Pipeline,  # noqa: F401
    )

    import imgassets.cli.main
    import imgassets.defs.headless  # noqa: F401


def validate_in_a_fork(root: Path, prepare: Callable[[], None] = lambda: None) -> Run:
    """Start `imgassets validate` on a project.

    Args:
        root: the project.
        prepare: called in the new process before it begins.
    """
    log = root / f"run-{len(list(root.glob('run-*')))}.log"
    log.touch()
    pid = os.fork()
    if pid:
        return Run(pid, log)
    code = 70
    try:
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.environ["IMGASSETS_PROJECT"] = str(root)
        os.environ["DAGSTER_HOME"] = str(root / ".imgassets" / "dagster")
        os.environ.pop("IMGASSETS_HOME", None)
        from imgassets.cli.main import main

        prepare()
        code = main(["validate"])
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)  # no clean-up of the process it was forked from


def die_in_a_store_write(number: int) -> Callable[[], None]:
    """SIGKILL when half of that image's bytes are written."""

    def prepare() -> None:
        write, count = store_module._write, iter(range(1, 10**6))

        def dying(path: Path, data: bytes) -> None:
            if path.suffix == ".png" and next(count) == number:
                path.write_bytes(data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            write(path, data)

        store_module._write = dying

    return prepare


def die_in_a_table_write(number: int) -> Callable[[], None]:
    """SIGKILL when half of that table's bytes are written."""

    def prepare() -> None:
        write, count = pd.DataFrame.to_parquet, iter(range(1, 10**6))

        def dying(table: pd.DataFrame, path: Path, **options: object) -> None:
            write(table, path, **options)
            if next(count) == number:
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
                os.kill(os.getpid(), signal.SIGKILL)

        pd.DataFrame.to_parquet = dying

    return prepare
