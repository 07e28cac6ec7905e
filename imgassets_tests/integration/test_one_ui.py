"""`imgassets ui`: one server a project, on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil
import pytest

from imgassets_tests.integration.test_places import project

ROOT = Path(__file__).parents[2]
_ENDS_WITHIN = 5.0
#: A shell ignores SIGINT for what it starts in the background; `exec` keeps the process.
_WRAPPED = {
    "background shell": ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"],
    "nohup": ["nohup"],
}


def test_the_repository_and_the_ui_name_the_same_code_location() -> None:
    text = (ROOT / "imgassets" / "cli" / "workspace.yaml").read_text(encoding="utf-8")
    assert "location_name: imgassets\n" in text
    assert (ROOT / "workspace.yaml").read_text(encoding="utf-8") == text


def test_a_port_that_is_taken_starts_nothing(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        found = ui(root, port)
        assert found.wait(60) == 2
        assert f"port {port} cannot be had" in found.stderr.read().decode()


def test_a_second_ui_of_a_project_exits(tmp_path: Path) -> None:
    """Dagster would stay as a second daemon; the first one's address is told instead."""
    root = project(tmp_path / "p")
    first = ui(root, free_port())
    try:
        note = root / ".imgassets" / "ui.json"
        deadline = time.monotonic() + 60
        while not note.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        second = ui(root, free_port())
        assert second.wait(60) == 2
        assert "runs already: http://127.0.0.1:" in second.stderr.read().decode()
    finally:
        first.terminate()
        first.wait(_ENDS_WITHIN)


def test_of_two_uis_that_start_at_once_one_stays(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    both = [ui(root, free_port()) for _ in range(2)]
    try:
        deadline = time.monotonic() + 60
        while all(p.poll() is None for p in both) and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1.0)
        assert sorted(str(p.poll()) for p in both) == ["2", "None"]
    finally:
        for process in both:
            process.terminate()
            process.wait(_ENDS_WITHIN)


@pytest.mark.parametrize("how", ["foreground", "background shell", "nohup", "while it starts"])
def test_it_ends_within_seconds_with_all_that_it_started(tmp_path: Path, how: str) -> None:
    """SIGTERM ends it whole, whatever signals it was started to ignore."""
    port = free_port()
    first = ui(project(tmp_path / "p"), port, _WRAPPED.get(how, []))
    try:
        started = processes_of(first, least=2 if how == "while it starts" else 6)
        if how != "while it starts":
            assert answer(f"http://127.0.0.1:{port}/server_info", patience=60)[0] == 200
            started = processes_of(first, least=6)
    finally:
        first.terminate()
        first.wait(_ENDS_WITHIN)
    assert all(is_gone(process) for process in started)


def test_ctrl_c_ends_it_too(tmp_path: Path) -> None:
    first = ui(project(tmp_path / "p"), free_port())
    started = processes_of(first, least=3)
    first.send_signal(signal.SIGINT)
    assert first.wait(_ENDS_WITHIN) == 0
    assert all(is_gone(process) for process in started)


def processes_of(parent: subprocess.Popen[bytes], least: int) -> list[psutil.Process]:
    """All that a process has started, once these are so many."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        found = psutil.Process(parent.pid).children(recursive=True)
        if len(found) >= least:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{len(found)} processes, not {least}")


def is_gone(process: psutil.Process) -> bool:
    """Ended, though the system may not have cleared it away."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_reports_are_served_by_file_and_to_nobody_else(tmp_path: Path) -> None:
    """No folder is listed, no page of another name may read one, and it ends with the UI."""
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "report.html").write_text("<h1>GO</h1>", encoding="utf-8")
    code = (
        "import os, sys, time; from pathlib import Path;"
        "from imgassets.cli.report_server import start_beside;"
        "start_beside(Path(sys.argv[1]));"
        "print(os.environ['IMGASSETS_REPORTS_URL'], flush=True); time.sleep(60)"
    )
    started = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert started.stdout
        url = started.stdout.readline().decode().strip()
        assert answer(f"{url}/cards/report.html") == (200, "<h1>GO</h1>")
        assert answer(f"{url}/cards/")[0] == 404
        assert answer(f"{url}/cards/report.html", Host="evil.example")[0] == 403
    finally:
        started.kill()
        started.wait()
    deadline = time.monotonic() + 20
    while answer(f"{url}/cards/report.html")[0] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert answer(f"{url}/cards/report.html")[0] == 0


def answer(url: str, patience: float = 2.0, **headers: str) -> tuple[int, str]:
    """Status and text; 0 where nobody answers, which is asked for again for a while."""
    for _ in range(int(patience / 0.1)):
        try:
            found = httpx.get(url, headers=headers)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return found.status_code, found.text
    return 0, ""


def ui(root: Path, port: int, wrapped: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("IMGASSETS", "DAGSTER_H"))
    }
    return subprocess.Popen(
        [*wrapped, sys.executable, "-m", "imgassets.cli.main", "ui", "--port", str(port)],
        cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
