"""Adds answers to `reviews/ENDPOINT.jsonl`: none lost once acknowledged, none counted twice.

An answer is acknowledged when its whole line is on the disk. Half a line that a crash left was
never acknowledged; it is cut off before the next one is written, and whoever sent it sends it again
under the same id. Several processes may write at once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from imgassets.documents.answers import Answer, AnswerFile, read_answers
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.storage.whole_file import sync_folder

_LARGEST_LINE = 2**20


class Answers:
    """The answers on one endpoint. Threads and processes may share the file."""

    def __init__(self, root: Path, endpoint: str) -> None:
        """
        Args:
            root: the project's folder.
            endpoint: whose answers.
        """
        self.shown = Path("reviews") / f"{endpoint}.jsonl"
        self.path = root / self.shown
        self._endpoint = endpoint
        self._lock = Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._known = AnswerFile(str(self.shown))

    def read(self) -> AnswerFile:
        """All answers there are now.

        Raises:
            InvalidDocumentsError: a line of the file is no answer.
        """
        with self._lock:
            return self._read()

    def add(self, answer: Answer) -> Answer:
        """Write an answer, unless one with its id is there; returns what the file holds.

        An answer on a pair that the person has judged before corrects the last one.

        Raises:
            InvalidDocumentsError: a line of the file is no answer, so nothing can be added.
            OSError: it cannot be written (full disk, no permission); nothing of it is kept.
        """
        with self._lock, self._opened() as file:
            known = self._read()
            same = next((a for a in known.answers if a.id == answer.id), None)
            if same is not None:
                return same
            before = {(a.who, a.pair): a.id for a in known.counted}
            earlier = before.get((answer.who, answer.pair))
            answer = answer.model_copy(update={"revision_of": earlier})
            _append(file, json.dumps(answer.model_dump(mode="json")).encode() + b"\n")
            self._known = AnswerFile(known.file, (*known.answers, answer))
            self._stamp = self._stamped()
            return answer

    def _read(self) -> AnswerFile:
        stamp = self._stamped()
        if stamp != self._stamp:
            found = read_answers(self.path, self._endpoint, self.shown)
            if found.problems:
                raise InvalidDocumentsError(found.problems)
            self._known, self._stamp = found, stamp
        return self._known

    def _stamped(self) -> tuple[int, int, int] | None:
        """Changes whenever the file does."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, made where it is missing, and this process's alone."""
        self.path.parent.mkdir(exist_ok=True)
        while True:
            new = not self.path.exists()
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not self._is_there(file):
                    continue  # an editor or git put another in its place while we waited
                if new:
                    sync_folder(self.path.parent)
                    sync_folder(self.path.parent.parent)
                yield file
                return
            finally:
                os.close(file)

    def _is_there(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False


def _append(file: int, line: bytes) -> None:
    end = _mended(file)
    try:
        written = 0
        while written < len(line):
            written += os.write(file, line[written:])
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise


def _mended(file: int) -> int:
    """Where the next line begins: behind the last whole one."""
    size = os.fstat(file).st_size
    start = max(0, size - _LARGEST_LINE)
    last = os.pread(file, size - start, start).rpartition(b"\n")[2]
    if not last:
        return size
    try:
        whole = isinstance(json.loads(last), dict)
    except ValueError:
        whole = False
    if whole:  # all of it but the line's end
        return size + os.write(file, b"\n")
    os.ftruncate(file, size - len(last))
    return size - len(last)
