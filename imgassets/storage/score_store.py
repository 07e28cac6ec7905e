"""Scores, each made once: what was found in an image, under the hash of all it depends on.

One SQLite file beside the images. A row is there whole or not at all, whatever kills the process,
and several processes may read and write at once. Every row carries a hash of itself: one that was
harmed counts as never made. A file that is no database any more is moved to quarantine, and the
scores are made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from imgassets.documents.environment import store_url
from imgassets.storage.image_store import StoreError
from imgassets.storage.known_records import KnownRecords
from imgassets.storage.project_home import ProjectHome

if TYPE_CHECKING:  # where scores are shared, this is imported when they are opened
    from imgassets.storage.shared_scores import SharedScores

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS scores (
    key BLOB PRIMARY KEY,
    image_key BLOB NOT NULL,
    image_sha256 BLOB NOT NULL,
    found TEXT NOT NULL,
    problem TEXT NOT NULL,
    hash BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timings (
    what TEXT PRIMARY KEY,
    images INTEGER NOT NULL,
    seconds REAL NOT NULL
) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?)"
#: SQLite takes a limited number of parameters in one statement.
_AT_ONCE = 500
_WAIT_SECONDS = 60.0

#: (metric, value, reason, failure mode)
Found = tuple[str, float, str, str]


@dataclass(frozen=True)
class KeptScores:
    """What was found in one image by one metric family.

    Attributes:
        key: score key, 64 hex digits; see `metrics.scoring`.
        image_key: of the image, 64 hex digits.
        image_sha256: of its file: an image that was lost and made anew may be another one.
        found: its scores.
        problem: why it cannot be judged; empty where it could be.
    """

    key: str
    image_key: str
    image_sha256: str
    found: tuple[Found, ...] = ()
    problem: str = ""

    def _hash(self) -> bytes:
        said = json.dumps([self.key, self.image_key, self.image_sha256, self.found, self.problem])
        return hashlib.sha256(said.encode()).digest()

    def row(self) -> tuple[bytes, bytes, bytes, str, str, bytes]:
        """As a row of the table."""
        keys = (bytes.fromhex(k) for k in (self.key, self.image_key, self.image_sha256))
        key, image, file = keys
        return key, image, file, json.dumps(self.found), self.problem, self._hash()

    @classmethod
    def of_row(cls, row: tuple[bytes, bytes, bytes, str, str, bytes]) -> KeptScores | None:
        """From a row; None where it is not what was written."""
        try:
            found = tuple(tuple(one) for one in json.loads(row[3]))
            kept = cls(row[0].hex(), row[1].hex(), row[2].hex(), found, row[4])
            return kept if kept._hash() == row[5] else None
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass
class ScoreStore:
    """Scores by key. Safe for several processes at once; whoever writes last wins.

    Attributes:
        file: made when the first score is put.
        quarantine: where a file goes that is no database any more.
        shared: where all machines keep theirs, if they do; taken in before the first look.
    """

    file: Path
    quarantine: Path
    shared: SharedScores | None = None
    _is_taken_in: bool = False

    def read(self, keys: Sequence[str]) -> dict[str, KeptScores]:
        """The scores of some keys; those never made, or harmed, are left out.

        Raises:
            StoreError: the file cannot be read.
        """
        self._take_in()
        found: dict[str, KeptScores] = {}
        if not self.file.is_file():
            return found
        with self._database() as database:
            for part in _parts(keys):
                query = f"SELECT * FROM scores WHERE key IN ({','.join('?' * len(part))})"  # noqa: S608
                for row in database.execute(query, [bytes.fromhex(key) for key in part]):
                    kept = KeptScores.of_row(row)
                    if kept is not None:
                        found[kept.key] = kept
        return found

    def known(self, keys: Sequence[str]) -> set[str]:
        """Which of some keys have a row; what the rows hold is not looked at. Raises as `read`."""
        self._take_in()
        found: set[str] = set()
        if not self.file.is_file():
            return found
        with self._database() as database:
            for part in _parts(keys):
                query = f"SELECT key FROM scores WHERE key IN ({','.join('?' * len(part))})"  # noqa: S608
                rows = database.execute(query, [bytes.fromhex(key) for key in part])
                found.update(key.hex() for (key,) in rows)
        return found

    def is_empty(self) -> bool:
        """Whether no score is kept, here or by other machines. Raises as `read`."""
        self._take_in()
        if not self.file.is_file():
            return True
        with self._database() as database:
            return database.execute("SELECT 1 FROM scores LIMIT 1").fetchone() is None

    def put(self, scores: Sequence[KeptScores], timings: Mapping[str, Sequence[float]]) -> None:
        """Keep scores, all or none of them.

        Args:
            scores: those that are there already are replaced.
            timings: seconds that images took, by `ENDPOINT/FAMILY`.

        Raises:
            StoreError: they cannot be written (full disk, no permission).
        """
        rows = [kept.row() for kept in scores]
        if self.shared:
            self.shared.send(rows)  # first: what only this machine has, no other would ever see
        with self._database() as database:
            database.executemany(_PUT, rows)
            database.executemany(
                "INSERT INTO timings VALUES (?, ?, ?) ON CONFLICT (what) DO UPDATE SET"
                " images = images + excluded.images, seconds = seconds + excluded.seconds",
                [(what, len(took), sum(took)) for what, took in timings.items()],
            )

    def _take_in(self) -> None:
        """Put what other machines made beside what is here."""
        if self.shared is None or self._is_taken_in:
            return
        for names, rows in self.shared.new():
            good = [row for row in rows if KeptScores.of_row(row) is not None]
            with self._database() as database:
                database.executemany(_PUT, good)
            self.shared.taken.took_in(names)
        self._is_taken_in = True

    def seconds(self) -> dict[str, float]:
        """Mean seconds one image took, by `ENDPOINT/FAMILY`. Raises as `read`."""
        if not self.file.is_file():
            return {}
        with self._database() as database:
            rows = database.execute("SELECT what, seconds / images FROM timings WHERE images > 0")
            return dict(rows)

    def verify(self) -> tuple[int, int]:
        """(rows, harmed rows); harmed ones are deleted, and made again by the next run."""
        if not self.file.is_file():
            return 0, 0
        with self._database() as database:
            rows, harmed = 0, []
            for row in database.execute("SELECT * FROM scores"):
                rows += 1
                if KeptScores.of_row(row) is None:
                    harmed.append((row[0],))
            database.executemany("DELETE FROM scores WHERE key = ?", harmed)
        return rows, len(harmed)

    def forget(self, image_keys: Iterable[str]) -> int:
        """Delete the scores of images that are gone; returns how many."""
        if not self.file.is_file():
            return 0
        with self._database() as database:
            database.execute("CREATE TEMP TABLE gone (image_key BLOB PRIMARY KEY)")
            database.executemany(
                "INSERT OR IGNORE INTO gone VALUES (?)", [(bytes.fromhex(k),) for k in image_keys]
            )
            return database.execute(
                "DELETE FROM scores WHERE image_key IN (SELECT image_key FROM gone)"
            ).rowcount

    def put_together(self, *, dry_run: bool = False) -> tuple[int, int]:
        """Make few large batches of many small ones, where scores are shared.

        Returns:
            How many batches there were, and what they became; none of either where nothing is to
            do, or nothing shared. Dry, how many there are alone.

        Raises:
            StoreError: the store, or the file, cannot be read or written.
        """
        if self.shared is None:
            return 0, 0
        if dry_run:
            return self.shared.small(), 0
        self._take_in()
        return self.shared.put_together()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a file that is no database is set aside first, and begun anew."""
        try:
            with closing(self._opened()) as database, database:
                yield database
        except sqlite3.Error as error:
            if "malformed" in str(error):
                with FileLock(f"{self.file}.lock"):
                    self._set_aside(str(error))
            raise StoreError(
                f"{self.file}: {error}; free some space, or make it readable and writable, then "
                "run again: scores that were made are kept"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            with FileLock(f"{self.file}.lock"):
                try:
                    return self._connected()  # another process was first, and began it anew
                except sqlite3.DatabaseError:
                    self._set_aside(str(error))
                    return self._connected()

    def _connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.file, timeout=_WAIT_SECONDS)
        try:
            # Readers and a writer do not wait for each other; a commit is on the disk when it ends.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_SCHEMA)
        except BaseException:
            database.close()
            raise
        return database

    def _set_aside(self, why: str) -> None:
        self.quarantine.mkdir(parents=True, exist_ok=True)
        number = len(list(self.quarantine.glob(f"{self.file.name}*")))
        target = self.quarantine / f"{self.file.name}.{number}"
        with suppress(FileNotFoundError):
            self.file.rename(target)
        for suffix in ("-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        _log.warning("%s: %s; moved to %s, scores are made again", self.file, why, target)


def score_store_of(home: ProjectHome) -> ScoreStore:
    """The scores of a project. Raises as `image_store.store_of`."""
    url = store_url()
    if url is None:
        return ScoreStore(home.scores, home.quarantine)
    from imgassets.storage.object_place import place_at
    from imgassets.storage.shared_scores import SharedScores

    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    taken = KnownRecords(home.cache / f"scores-{name}.sqlite")
    return ScoreStore(home.scores, home.quarantine, SharedScores(place_at(url), taken))


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))
