"""`imgassets ui`: Dagster's web server and daemon, once a project, on loopback."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import HOST
from imgassets.documents.environment import PlaceError
from imgassets.documents.project import find_root
from imgassets.storage.ownership import ready_home
from imgassets.storage.whole_file import write_whole


def ui(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 3000,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="For viewers: nothing can be started or changed."),
    ] = False,
    path_prefix: Annotated[
        str, typer.Option(metavar="/PATH", help="Serve below this path, behind a proxy.")
    ] = "",
) -> int:
    """Open the Dagster UI on loopback.

    Serves lineage, checks, contact sheets and the materialize buttons on http://127.0.0.1:PORT.
    With --read-only there are no buttons, and no schedules run: such a UI may run beside the full
    one. docs/deployment.md shows how to put both behind a proxy that asks for passwords.
    """
    _check_prefix(path_prefix)
    if path_prefix:  # `dagster dev` hands it on to its web server in no other way
        os.environ["DAGSTER_WEBSERVER_PATH_PREFIX"] = path_prefix
    return start_read_only(find_root(), port) if read_only else start(find_root(), port)


def _check_prefix(prefix: str) -> None:
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", prefix):
        raise PlaceError(
            f"--path-prefix is {prefix!r}; write a path such as /imgassets, without a slash at "
            "its end"
        )


def start_read_only(root: Path, port: int) -> int:
    """Run a web server that changes nothing until it is told to stop; returns its exit code.

    Raises:
        PlaceError: the port is taken.
    """
    ready_home(root)
    refuse_taken(port)
    from imgassets.cli.ui_process import run_until_stopped
    from imgassets.refresh.dagster_runs import open_instance

    open_instance(root).dispose()
    os.environ["IMGASSETS_PROJECT"] = str(root)
    command = [sys.executable, "-m", "dagster_webserver", "-h", HOST, "-p", str(port)]
    command += ["-w", str(files("imgassets.cli") / "workspace.yaml"), "--read-only"]
    return run_until_stopped(command)


def start(root: Path, port: int) -> int:
    """Run the server until it is told to stop; returns its exit code.

    Raises:
        PlaceError: the port is taken, or the project's UI runs already. Dagster itself would stay
            as a second daemon, without a page.
    """
    home = ready_home(root)
    note = home.ui_note
    lock = _refuse_second(note)
    refuse_taken(port)
    from imgassets.cli.report_server import start_beside
    from imgassets.cli.ui_process import run_until_stopped
    from imgassets.refresh.dagster_runs import open_instance

    open_instance(root).dispose()  # puts dagster.yaml there
    os.environ["IMGASSETS_PROJECT"] = str(root)
    reports = start_beside(home.all_reports)
    write_whole(note, json.dumps({"pid": os.getpid(), "port": port}))
    command = [sys.executable, "-m", "dagster", "dev", "-h", HOST, "-p", str(port)]
    # Not `-m`: its code location would be named after the module, and `dagster dev` in the
    # repository would take switches and schedules for those of another one.
    command += ["-w", str(files("imgassets.cli") / "workspace.yaml")]
    try:
        return run_until_stopped(command, lock)
    finally:
        if reports is not None:
            reports.kill()
            reports.wait()


def _refuse_second(note: Path) -> int:
    """Take the lock of the project's UI, an open file that ends with the last process of it."""
    lock = os.open(note.with_name("ui.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise PlaceError(
            f"the UI of this project runs already{_where(note)}; open that, or stop it first"
        ) from error
    note.unlink(missing_ok=True)
    return lock


def _where(note: Path) -> str:
    """Its address and process; nothing while it is only just starting."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        return f": http://{HOST}:{told['port']} (process {told['pid']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def refuse_taken(port: int) -> None:
    """A message of one line where a port is taken.

    Raises:
        PlaceError: it is.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise PlaceError(
                f"port {port} cannot be had on {HOST}: {why}; choose another with --port"
            ) from error
