"""Whether a process is still there, on whatever machine: a lock in Postgres that ends with it.

A process that asks a provider, or runs assets, keeps one connection open and holds an advisory lock
there. The lock is gone when the connection is: at once when the process is killed, and after half a
minute when its machine falls silent. A process whose connection broke, since Postgres was restarted
or a cable was pulled, takes its lock again within seconds. So whoever looks does not believe that a
lock is gone before its own connection has stood for `SETTLE_SECONDS`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from imgassets.storage.database import CONNECT, Database
from imgassets.storage.database_schema import lock_number

if TYPE_CHECKING:
    from sqlalchemy import Connection

SETTLE_SECONDS = 10.0
_BEAT_SECONDS = 2.0
_KEEP_ALIVE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
_IS_LOCKED = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid = {} AND objid = {} AND objsubid = 2)"
)


_present: dict[tuple[Database, int], Presence] = {}
_first = threading.Lock()


def presence_in(database: Database) -> Presence:
    """This process's presence, from now to its end.

    Raises:
        SQLAlchemyError: the database is away; inside a transaction of `Database.run`, that tries
            again.
    """
    with _first:
        key = (database, os.getpid())  # a forked process is another one
        if key not in _present:
            _present[key] = Presence(database)
        return _present[key]


class Presence:
    """This process, as others see it. Safe for several threads.

    Has a connection of its own, so it may be used inside any transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kind = lock_number(database.schema, "process")
        self._number = 0
        self._lock = threading.Lock()
        self._held: Connection | None = None
        self._since = 0.0
        self.hold()
        threading.Thread(target=self._keep, name="imgassets presence", daemon=True).start()

    @property
    def name(self) -> str:
        """Of this process, unlike any other's in the project."""
        return f"pg:{self._number}"

    def hold(self) -> None:
        """See to it that the lock is held, on a connection that stands.

        Raises:
            SQLAlchemyError: as of `presence_in`.
        """
        from sqlalchemy.exc import SQLAlchemyError

        with self._lock:
            try:
                if self._held is not None:
                    self._held.exec_driver_sql("SELECT 1")
                    return
            except SQLAlchemyError:
                self._let_go()
            try:
                self._take()
            except SQLAlchemyError:
                self._let_go()
                raise

    def is_alive(self, name: str, query: Callable[[str], Sequence[Sequence[Any]]]) -> bool:
        """Whether a process of the project is there; also while that cannot be told yet.

        Args:
            name: the process's.
            query: runs a statement in the transaction that wants to know.
        """
        if name == self.name:
            return True
        number = name.removeprefix("pg:")
        if not number.isdigit():  # a process that was there before the journal was moved
            return False
        self.hold()
        since = self._since
        (held,) = query(_IS_LOCKED.format(self._kind, int(number)))[0]
        return held or since != self._since or time.monotonic() - since < SETTLE_SECONDS

    def is_gone(self, name: str) -> bool:
        """Whether a process is not there; waits until that can be told.

        Raises:
            DatabaseError: the database is away.
        """

        def is_alive(connection: Connection) -> bool:
            return self.is_alive(name, lambda sql: connection.exec_driver_sql(sql).fetchall())

        deadline = time.monotonic() + SETTLE_SECONDS + _BEAT_SECONDS
        while self._database.run(is_alive):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True

    # ---- inside ----------------------------------------------------------------------------

    def _take(self) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        engine = create_engine(
            self._database.secret_url(), poolclass=NullPool, connect_args=dict(CONNECT)
        )
        self._held = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._held.exec_driver_sql(_KEEP_ALIVE)
        if not self._number:
            self._number = self._held.exec_driver_sql(
                "INSERT INTO processes (host, pid) VALUES (%s, %s) RETURNING number",
                (socket.gethostname(), os.getpid()),
            ).scalar_one()
        # Waits for the old connection's end, where the server has not noticed it yet.
        self._held.exec_driver_sql(f"SELECT pg_advisory_lock({self._kind}, {self._number})")
        self._since = time.monotonic()

    def _let_go(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        held, self._held = self._held, None
        if held is not None:
            with suppress(SQLAlchemyError):
                held.invalidate()
                held.close()

    def _keep(self) -> None:
        """Notices a broken connection, also while nothing is asked of it."""
        from sqlalchemy.exc import SQLAlchemyError

        while True:
            time.sleep(_BEAT_SECONDS)
            with suppress(SQLAlchemyError):  # away; tried again
                self.hold()
