"""The Postgres database that `$IMGASSETS_DATABASE` names, for projects that outgrow one machine.

Not set, everything stays in files of the project's home. Set, Dagster's runs and events, and the
journal of paid requests, are kept there, in one schema a project. Passwords are never shown.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from imgassets.documents.environment import PlaceError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

DATABASE = "IMGASSETS_DATABASE"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
_EXAMPLE = "postgresql://user:password@host/database?schema=project"
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,47}")
#: Given to libpq: a machine that fell silent is noticed after half a minute.
CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "imgassets",
}
#: How long a transaction waits for a database that is away, such as one that is restarted.
_PATIENCE_SECONDS = 60.0
_LONGEST_WAIT = "60s"  # for a lock
_REFUSALS = ("password", "does not exist", "no pg_hba.conf", "not permitted", "invalid")
T = TypeVar("T")


class DatabaseError(RuntimeError):
    """The database cannot be used; the message names it without its password, and the fix."""


@dataclass(frozen=True)
class Database:
    """One project's schema in a Postgres database.

    Attributes:
        url: for SQLAlchemy, with the schema as search path; its `str` hides the password.
        schema: the project's.
    """

    url: URL
    schema: str

    @property
    def shown(self) -> str:
        """The address for messages, without password."""
        url = self.url
        host = (url.host or "") + (f":{url.port}" if url.port else "")
        return f"postgresql://{host}/{url.database or ''}, schema {self.schema}"

    def secret_url(self) -> str:
        """The address with its password, for Dagster; must not be shown or written."""
        return self.url.render_as_string(hide_password=False)

    def engine(self) -> Engine:
        """This process's connections."""
        return _engine(self.secret_url(), os.getpid())

    def run(self, work: Callable[[Connection], T]) -> T:
        """One transaction; begun anew while the database is away, for a minute.

        Args:
            work: gets the connection. It may be called again after a commit whose success nobody
                heard of, and must find that out itself.

        Raises:
            DatabaseError: the database stays away, or refuses.
        """
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        deadline = time.monotonic() + _PATIENCE_SECONDS
        wait = 0.1
        while True:
            try:
                with self.engine().begin() as connection:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LONGEST_WAIT}'")
                    return work(connection)
            except SQLAlchemyError as error:
                away = isinstance(error, DBAPIError) and _is_away(error)
                if not away or time.monotonic() > deadline:
                    raise self.failure(error) from None  # the cause may hold what was sent
            time.sleep(wait)
            wait = min(2 * wait, 2.0)

    def failure(self, error: BaseException) -> DatabaseError:
        """What went wrong, in one line without password."""
        return DatabaseError(f"the database {self.shown} cannot be used: {self.masked(error)}")

    def masked(self, error: BaseException) -> str:
        """The text of an error, in one line without password."""
        text = " ".join(str(getattr(error, "orig", None) or error).split())[:400]
        for secret in {self.url.password, self.secret_url()} - {None, ""}:
            text = text.replace(str(secret), "***")
        return text


def failure_behind(error: BaseException) -> DatabaseError | None:
    """What to say of an error of Dagster's, or another library's, that the database is behind.

    None where it has nothing to do with one.
    """
    database = database_of()
    if database is None:
        return None
    from sqlalchemy.exc import SQLAlchemyError

    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, SQLAlchemyError):
        behind = behind.__cause__ or behind.__context__
    if behind is None:
        return None
    return DatabaseError(
        f"{database.failure(behind)}; finished images are kept, run again when it is back"
    )


def database_of() -> Database | None:
    """The database that `$IMGASSETS_DATABASE` names; None where it is not set.

    Raises:
        PlaceError: it is no address of Postgres, or the packages for it are not installed. The
            address is not repeated in the message, since it may hold a password.
    """
    value = os.environ.get(DATABASE)
    if value is None:
        return None
    scheme = value.partition("://")[0] if "://" in value else ""
    if scheme not in _SCHEMES:
        raise PlaceError(f"${DATABASE} is no address of Postgres; unset it, or write {_EXAMPLE}")
    if missing := [n for n in ("dagster_postgres", "psycopg2", "sqlalchemy") if not find_spec(n)]:
        raise PlaceError(
            f"${DATABASE} is set and {missing[0]} is not installed; "
            "run: pip install 'imgassets[cluster]'"
        )
    return _read(value)


def _read(value: str) -> Database:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise PlaceError(
            f"${DATABASE} cannot be read; write {_EXAMPLE}, with % before the code of characters "
            "such as @ or / in a password (%40, %2F), or leave the password to $PGPASSWORD"
        ) from None
    schema = url.query.get("schema", "imgassets")
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema):
        raise PlaceError(
            f"${DATABASE} names the schema {schema!r}; write one name of at most 48 small letters, "
            "digits and _ that does not begin with a digit or pg_"
        )
    given = url.query.get("options", "")
    options = f"{given if isinstance(given, str) else ' '.join(given)} -csearch_path={schema}"
    url = url.difference_update_query(["schema"]).update_query_dict({"options": options.strip()})
    # SQLAlchemy 2.1 takes plain `postgresql` for another driver, which Dagster cannot use.
    return Database(url.set(drivername="postgresql+psycopg2"), schema)


@cache
def _engine(url: str, _process: int) -> Engine:
    """Connections of one process; a forked one must not use those of its parent."""
    from sqlalchemy import create_engine

    arguments: dict[str, Any] = dict(CONNECT)
    return create_engine(
        url, pool_size=2, max_overflow=0, pool_timeout=60, pool_pre_ping=True,
        connect_args=arguments, hide_parameters=True,
    )  # fmt: skip


def _is_away(error: Any) -> bool:
    """Whether a server is gone, starting or stopping, rather than refusing what it was asked."""
    code = getattr(error.orig, "pgcode", None)
    if code is None:  # no connection, or one that broke; a wrong password has no code either
        text = str(error.orig)
        return error.connection_invalidated or not any(sign in text for sign in _REFUSALS)
    return code[:3] == "57P" or code[:2] == "08"
