"""The log of production's outcomes: one SQLite file an endpoint, to which lines are only added.

An outcome is kept when `append` returns: it is on the disk, whatever kills the process. The same id
is counted once, however often it is sent, so whoever is not sure sends it again. Lines that are no
outcomes are kept beside, as they came. Several processes may write and read at once.

What is counted is read from an index: a look at a day of 100,000 requests parses none of them.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from imgassets.documents.problems import Problem
from imgassets.rollout.outcome_lines import OK, STARTED, Outcome
from imgassets.rollout.rates import Arm, clumping
from imgassets.rollout.threshold import Counts
from imgassets.storage.image_store import StoreError
from imgassets.storage.project_home import ProjectHome

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outcomes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    arm TEXT NOT NULL,
    status TEXT NOT NULL,
    user TEXT NOT NULL,
    seconds REAL,
    usd REAL,
    image TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    lot INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS counted ON outcomes (arm, at, status, seconds);
CREATE INDEX IF NOT EXISTS drawn ON outcomes (arm, lot, at) WHERE status = 'ok' AND image != '';
CREATE TABLE IF NOT EXISTS started (
    id TEXT PRIMARY KEY, at REAL NOT NULL, arm TEXT NOT NULL, user TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    id TEXT PRIMARY KEY, scores TEXT NOT NULL, problem TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looks (
    rollout TEXT NOT NULL,
    number INTEGER NOT NULL,
    stage TEXT NOT NULL,
    at REAL NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image_looks (
    rollout TEXT NOT NULL, number INTEGER NOT NULL, finding TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
    place TEXT NOT NULL, problem TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (place, line)
) WITHOUT ROWID;
"""
_WAIT_SECONDS = 60.0
_NEVER = float("inf")
ARMS = ("candidate", "incumbent")
#: How long an outcome may be on its way before its request counts as failed.
PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True)
class Appended:
    """What became of some outcomes.

    Attributes:
        new: that were not known.
        known: that were, and are counted once.
        differing: ids among those that say something else than before; the first holds.
    """

    new: int
    known: int
    differing: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutcomeLog:
    """The outcomes of one endpoint.

    Attributes:
        file: made with the first outcome.
    """

    file: Path

    def append(
        self,
        outcomes: Sequence[Outcome],
        problems: Sequence[Problem] = (),
        lines: Sequence[str] = (),
    ) -> Appended:
        """Keep outcomes, all or none of them; on the disk when this returns.

        Args:
            outcomes: in any order, known ones too.
            problems, lines: of lines that are no outcomes, kept as they came.

        Raises:
            StoreError: they cannot be written; none was kept.
        """
        begun = [o for o in outcomes if o.status == STARTED]
        ended = [o for o in outcomes if o.status != STARTED]
        with self.database(writes=True) as database:
            before = database.total_changes
            differing = tuple(o.id for o in ended if not _is_new_or_same(database, o))
            new = database.total_changes - before
            database.executemany(
                "INSERT OR IGNORE INTO started SELECT ?1, ?2, ?3, ?4"
                " WHERE NOT EXISTS (SELECT 1 FROM outcomes WHERE id = ?1)",
                [(o.id, o.at.timestamp(), o.arm, o.user) for o in begun],
            )
            database.executemany("DELETE FROM started WHERE id = ?", [(o.id,) for o in ended])
            database.executemany(
                "INSERT OR IGNORE INTO refused VALUES (?, ?, ?)",
                [(p.file, str(p), line) for p, line in zip(problems, lines, strict=True)],
            )
        return Appended(new, len(ended) - new, differing)

    def counts(
        self,
        since: datetime,
        now: datetime,
        seconds: float | None = None,
        until: datetime | None = None,
    ) -> Counts:
        """Both arms' requests that began in a stretch of time.

        Args:
            since: its first moment.
            now: requests begun `PATIENCE` before it, without an outcome, count as failed.
            seconds: what counts as slow; None for nothing.
            until: its end, itself not in it; None for now.
        """
        with self.database() as database:
            return counts_in(database, since, now, seconds, until)

    def requests(self, arm: str, since: datetime) -> int:
        """How many outcomes of an arm there are since a moment."""
        with self.database() as database:
            return _ended(database, arm, since.timestamp(), _NEVER)

    def failures(self, since: datetime) -> dict[str, dict[str, int]]:
        """How often each arm failed by which mode, since a moment; the most frequent first."""
        with self.database() as database:
            rows = database.execute(
                "SELECT arm, status, count(*) FROM outcomes WHERE at >= ? AND status != ?"
                " GROUP BY 1, 2 ORDER BY 3 DESC, 2",
                (since.timestamp(), OK),
            ).fetchall()
        found: dict[str, dict[str, int]] = {arm: {} for arm in ARMS}
        for arm, status, count in rows:
            found[arm][status] = count
        return found

    def latest(self, arm: str) -> datetime | None:
        """When the latest request of an arm began; None where none is known."""
        with self.database() as database:
            row = database.execute("SELECT max(at) FROM outcomes WHERE arm = ?", (arm,)).fetchone()
        return None if row[0] is None else datetime.fromtimestamp(row[0], UTC)

    def refused(self) -> int:
        """How many lines were no outcomes."""
        with self.database() as database:
            return int(database.execute("SELECT count(*) FROM refused").fetchone()[0])

    @contextmanager
    def database(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction, which sees the log as it was when it began.

        Args:
            writes: whether it may write; then nobody else does meanwhile.

        Raises:
            StoreError: the file cannot be read or written.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            opened = sqlite3.connect(self.file, timeout=_WAIT_SECONDS, isolation_level=None)
            with closing(opened) as database:
                # Readers and a writer do not wait for each other; a commit is on the disk when it
                # ends.
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                database.executescript(_SCHEMA)
                database.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                yield database
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the log of outcomes {self.file} cannot be used: {error}; free some space, make "
                "it readable and writable, or restore it from a backup, then send the outcomes "
                "again: none is counted twice"
            ) from error


def log_of(home: ProjectHome, endpoint: str) -> OutcomeLog:
    """The log of an endpoint."""
    return OutcomeLog(home.outcomes / f"{endpoint}.sqlite")


def counts_in(
    database: sqlite3.Connection,
    since: datetime,
    now: datetime,
    seconds: float | None = None,
    until: datetime | None = None,
) -> Counts:
    """As `OutcomeLog.counts`, in a transaction that is open."""
    end = until.timestamp() if until else _NEVER
    return Counts(*(_arm(database, a, since.timestamp(), end, now, seconds) for a in ARMS))


def requests_in(database: sqlite3.Connection, since: datetime, now: datetime) -> Counts:
    """As `counts_in` up to now, without telling failures: several times as quick."""
    start = since.timestamp()
    numbers = (_ended(database, a, start, _NEVER) + _lost(database, a, start, _NEVER, now)
               for a in ARMS)  # fmt: skip
    return Counts(*(Arm(number, 0) for number in numbers))


def _ended(database: sqlite3.Connection, arm: str, since: float, end: float) -> int:
    query = "SELECT count(*) FROM outcomes WHERE arm = ? AND at >= ? AND at < ?"
    return int(database.execute(query, (arm, since, end)).fetchone()[0])


def _lost(database: sqlite3.Connection, arm: str, since: float, end: float, now: datetime) -> int:
    """Requests that were begun, and patience with them is at an end."""
    query = "SELECT count(*) FROM started WHERE arm = ? AND at >= ? AND at < ?"
    late = min(end, (now - PATIENCE).timestamp())
    return int(database.execute(query, (arm, since, late)).fetchone()[0])


def _is_new_or_same(database: sqlite3.Connection, outcome: Outcome) -> bool:
    """Adds an outcome; False where its id is known with another arm or status."""
    added = database.execute(
        "INSERT OR IGNORE INTO outcomes"
        " (id, at, arm, status, user, seconds, usd, image, sha256, lot)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            outcome.id,
            outcome.at.timestamp(),
            outcome.arm,
            outcome.status,
            outcome.user,
            outcome.seconds,
            outcome.usd,
            outcome.image,
            outcome.sha256,
            lot_of(outcome.id),
        ),
    )
    if added.rowcount:
        return True
    known = database.execute("SELECT arm, status FROM outcomes WHERE id = ?", (outcome.id,))
    return bool(known.fetchone() == (outcome.arm, outcome.status))


def lot_of(name: str) -> int:
    """A number that a request draws once: the lowest lots of many requests are a random sample."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def _arm(
    database: sqlite3.Connection,
    arm: str,
    since: float,
    end: float,
    now: datetime,
    seconds: float | None,
) -> Arm:
    ended = database.execute(
        "SELECT count(*), coalesce(sum(status != 'ok'), 0), count(seconds),"
        " coalesce(sum(seconds > ?), 0) FROM outcomes WHERE at >= ? AND at < ? AND arm = ?",
        (seconds, since, end, arm),
    ).fetchone()
    lost = _lost(database, arm, since, end, now)
    by_user = database.execute(
        "SELECT sum(n), sum(n * n) FROM (SELECT count(*) AS n FROM outcomes"
        " WHERE at >= ? AND at < ? AND arm = ? AND status != 'ok'"
        " GROUP BY CASE WHEN user = '' THEN id ELSE user END)",
        (since, end, arm),
    ).fetchone()
    requests, failures, timed, slow = ended
    return Arm(
        requests=requests + lost,
        failures=failures + lost,
        unreported=lost,
        slow=slow if seconds is not None else 0,
        timed=timed,
        clumping=clumping(by_user[0] or 0, by_user[1] or 0),
    )
