"""`| head` is no error: of any command, on either stream, whatever the command found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imgassets.cli.main import _COMMANDS

IMGASSETS = [sys.executable, "-m", "imgassets.cli.main"]


def into_a_closed_pipe(*arguments: str, both: bool = False) -> tuple[int, str]:
    """Exit code, and what was said on standard error where that is still read."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [*IMGASSETS, *arguments], stdout=write, stderr=write if both else subprocess.PIPE
    )
    os.close(write)
    return ended.returncode, (ended.stderr or b"").decode()


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_help_of_every_command(command: str) -> None:
    assert into_a_closed_pipe(*command.split(), "--help") == (0, "")


def test_the_exit_code_stays_that_of_the_command(project_root: Path) -> None:
    assert into_a_closed_pipe("check")[0] == 0
    assert into_a_closed_pipe("plan") == (0, "")
    (project_root / "contracts" / "endpoints" / "cards.yaml").write_text("endpoint: [\n")
    assert into_a_closed_pipe("check")[0] == 1
    assert into_a_closed_pipe("plan", both=True) == (2, "")


def test_a_reader_that_leaves_after_the_first_line(project_root: Path) -> None:
    line = f"set -o pipefail; {' '.join(IMGASSETS)} plan | head -n 1"
    shell = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (shell.returncode, shell.stderr) == (0, "")
    assert shell.stdout.count("\n") == 1
