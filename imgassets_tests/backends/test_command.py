"""Backend command: what a program is told, and what becomes of all it can do wrong."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.backends.command import CommandBackend
from imgassets.documents.command import CommandModel
from imgassets.documents.project import load_project
from imgassets.requests import build_requests
from imgassets_tests.backends.command_models import COMMAND, PROGRAM, write_program
from imgassets_tests.conftest import edit_file

PRICE = {"usd_per_hour": 1, "source": "a test", "as_of": "2026-11-24"}
ASKED: dict[str, Any] = {
    "prompt": "a red shoe; $(touch pwned)",
    "negative_prompt": "blur",
    "seed": 2**64 - 1,
    "size": [64, 32],
    "replicate": 1,
    "region": [0.0, 0.0, 0.5, 1.0],
}


def backend(root: Path, program: str, *more: str, **changes: Any) -> CommandBackend:
    write_program(root, program)
    command = [sys.executable, "draw.py", *more]
    data = {"model": "m", "backend": "command", "command": command, "price": PRICE} | changes
    return CommandBackend(root, CommandModel.model_validate(data))


def outcome(root: Path, program: str, **changes: Any) -> Outcome:
    (made,) = backend(root, program, **changes).generate([ASKED])
    return made


def test_a_program_is_told_the_request_and_runs_in_the_projects_root(tmp_path: Path) -> None:
    copy = "\nimport os, pathlib; pathlib.Path('told.json').write_text(json.dumps(asked))\n"
    made = outcome(tmp_path, PROGRAM + copy)
    assert made.image is not None, made.message
    assert made.seconds > 0
    told = json.loads((tmp_path / "told.json").read_text())
    output = told.pop("output")
    assert not Path(output).exists()  # cleared away
    assert told == {
        "flow": "generate",
        "prompt": ASKED["prompt"],
        "negative_prompt": "blur",
        "seed": 2**64 - 1,
        "replicate": 1,
        "width": 64,
        "height": 32,
        "parameters": {},
    }


def test_no_shell_reads_prompt_or_arguments(tmp_path: Path) -> None:
    program = PROGRAM + "\nopen('argv', 'w').write(repr(sys.argv[1:]))\n"
    (made,) = backend(tmp_path, program, "$HOME; touch pwned").generate([ASKED])
    assert made.image is not None, made.message
    assert (tmp_path / "argv").read_text() == "['$HOME; touch pwned']"
    assert not (tmp_path / "pwned").exists()


def test_white_of_the_mask_is_edited_and_the_rest_is_kept(tmp_path: Path) -> None:
    source = Image.new("RGB", (64, 32), "beige")
    (made,) = backend(tmp_path, PROGRAM).edit([ASKED], [source])
    assert made.image is not None, made.message
    changed = (np.asarray(made.image) != np.asarray(source)).any(axis=2)
    assert changed[:, :32].all()
    assert not changed[:, 32:].any()


def test_parameters_of_a_flow_reach_the_program(tmp_path: Path) -> None:
    program, source = backend(tmp_path, PROGRAM), Image.new("RGB", (64, 32))
    asked = [ASKED | {"stylize": {"parameters": {"strength": s}}} for s in (0.1, 0.2, 0.1)]
    first, other, again = (
        np.asarray(o.image) for o in program.stylize(asked, [source, source, source])
    )
    assert not np.array_equal(first, other)
    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    ("program", "mode", "told"),
    [
        ("import sys\nprint('first', file=sys.stderr)\nsys.exit('out of paint')", "backend_error",
         "exit code 1: out of paint"),
        ("raise SystemExit(7)", "backend_error", "exit code 7"),
        ("import os\nos.kill(os.getpid(), 15)", "backend_error", "ended by SIGTERM"),
        ("pass", "backend_error", "wrote no image"),
        (PROGRAM.replace("size, tuple", "(8, 8), tuple"), "wrong_size", "8x8 came, not 64x32"),
        (PROGRAM + "\nopen(asked['output'], 'wb').write(b'<html>')", "unreadable", "not a usable"),
        (PROGRAM + "\nopen(asked['output'], 'r+b').truncate(60)", "unreadable", "not a usable"),
        (PROGRAM + "\nimport os\nos.remove(asked['output'])\nos.symlink('/etc/passwd', "
         "asked['output'])", "unreadable", "symbolic link"),
        (PROGRAM + "\nimport os\nos.remove(asked['output'])\nos.mkfifo(asked['output'])",
         "unreadable", "pipe"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_for_what_it_is(
    program: str, mode: str, told: str, tmp_path: Path
) -> None:
    made = outcome(tmp_path, program)
    assert made.image is None
    assert made.failure == mode, made.message
    assert told in made.message


def test_a_message_is_short_and_holds_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "sk-SECRET-1234")
    # The last 4096 bytes begin in the middle of the key.
    program = "import os, sys\nsys.exit('a' + os.environ['ACME_API_KEY'] + 'x' * 4088)"
    made = outcome(tmp_path, program)
    again = outcome(tmp_path, "import os, sys\nsys.exit('bad ' + os.environ['ACME_API_KEY'])")
    assert made.failure == again.failure == "backend_error"
    assert len(made.message) < 400
    assert "sk-SECRET-1234" not in made.message + again.message
    assert "1234" not in made.message
    assert "bad [secret]" in again.message


def test_a_program_that_is_not_there_is_this_machines_fault(tmp_path: Path) -> None:
    made = outcome(tmp_path, PROGRAM, command=["no-such-program"])
    assert made.failure == "machine_error"
    assert "no-such-program cannot be started" in made.message


def test_in_time_or_ended_with_all_it_started(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('child', 'w').write(str(child.pid))\ntime.sleep(600)\n"
    )
    start = time.monotonic()
    made = outcome(tmp_path, program, timeout_seconds=1.5)
    assert made.failure == "timed_out"
    assert time.monotonic() - start < 10
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent's notice does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_what_it_leaves_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    left = "\nimport subprocess\nsubprocess.Popen(['sleep', '600'])\n"
    start = time.monotonic()
    assert outcome(tmp_path, PROGRAM + left).image is not None
    assert time.monotonic() - start < 30


# ---- documents ----------------------------------------------------------------------------


def keys(root: Path) -> set[str]:
    return {r.image_key for r in build_requests(load_project(root), "cards", "fast", "cpu")}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("draw.py]\nfiles", "draw.py, --fast]\nfiles", True),
        ("edit: {}", "edit: {parameters: {strength: 1}}", True),
        ("timeout_seconds: 60", "timeout_seconds: 61", False),
        ("usd_per_hour: 0.3", "usd_per_hour: 0.4", False),
    ],
)
def test_what_can_change_a_pixel_is_in_the_key(
    project_root: Path, old: str, new: str, changes: bool
) -> None:
    write_program(project_root)
    path = project_root / "contracts/models/fast.yaml"
    path.write_text(COMMAND)
    before = keys(project_root)
    edit_file(path, old, new)
    assert (keys(project_root) != before) == changes


def test_another_content_of_a_file_makes_new_images(project_root: Path) -> None:
    (project_root / "contracts/models/fast.yaml").write_text(COMMAND)
    write_program(project_root)
    before = keys(project_root)
    os.utime(project_root / "draw.py", (1, 1))
    assert keys(project_root) == before
    write_program(project_root, PROGRAM + "\n# changed")
    assert keys(project_root).isdisjoint(before)


def test_a_missing_file_is_a_problem_of_the_document(project_root: Path) -> None:
    (project_root / "contracts/models/fast.yaml").write_text(COMMAND)
    found = [str(p) for p in load_project(project_root).problems]
    assert len(found) == 1
    assert "no file 'draw.py'" in found[0]
    assert "files" in found[0]
