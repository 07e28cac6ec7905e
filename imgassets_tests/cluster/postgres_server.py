"""A real Postgres on loopback, from Debian's package, that tests start, kill and restart."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg2

PASSWORD = "pw/with@odd:signs"  # noqa: S105 - of a server that lives for a test
_AS_URL = "pw%2Fwith%40odd%3Asigns"


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are; None where they are not installed."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    newest = max(found, key=lambda p: int(p.parts[-3]), default=on_path and Path(on_path))
    return newest.parent if newest else None


class PostgresServer:
    """One server; Postgres refuses to run as root, so root starts it as another user."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self._bin = folder, bin_folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        (folder / "password").write_text(PASSWORD)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (folder, folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "owner", "-A", "scram-sha-256",
            f"--pwfile={folder / 'password'}", "-E", "UTF8", "--locale=C",
        )  # fmt: skip

    def url(self, schema: str = "", database: str = "postgres", user: str = "owner") -> str:
        """For `$IMGASSETS_DATABASE`."""
        query = f"?schema={schema}" if schema else ""
        return f"postgresql://{user}:{_AS_URL}@127.0.0.1:{self.port}/{database}{query}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = self._command("postgres", "-D", str(self.folder / "data"), "-p", str(self.port))
        command += ["-c", "listen_addresses=127.0.0.1", "-k", str(self.folder)]
        command += ["-c", "max_connections=600"]  # a test process keeps some for each schema
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.query("SELECT 1")
                return
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL to the server: as if the power failed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            time.sleep(0.2)  # its children notice, and end

    def shut(self) -> None:
        """As an operator in a hurry does (`pg_ctl stop -m immediate`): no checkpoint."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def runs(self) -> bool:
        """Whether it was started, and neither killed nor ended since."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it in an orderly way, now."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of one statement, committed."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="owner", password=PASSWORD, dbname="postgres"
        )
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _run(self, *command: str) -> None:
        subprocess.run(self._command(*command), check=True, capture_output=True)

    def _command(self, name: str, *arguments: str) -> list[str]:
        # `setpriv` becomes the program, so that a signal reaches Postgres itself.
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        prefix = other if os.getuid() == 0 else []
        return [*prefix, str(self._bin / name), *arguments]
