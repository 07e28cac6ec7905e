"""Tables, verdicts, reports and notes of a project, kept in the store beside its images.

Each is a file of the project's home, and an object `files/PATH` in the store: whole or not at all
in both. Files are sent when they were written, and fetched before a plan and by the step that
reads them, so machines with the same store see the same. Of two that differ the newer one stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imgassets.documents.environment import store_url
from imgassets.storage.known_records import KnownRecords
from imgassets.storage.object_place import Listed, ObjectPlace, in_threads, place_at
from imgassets.storage.project_home import ProjectHome
from imgassets.storage.whole_file import whole_file

_FILES = "files/"


@dataclass(frozen=True)
class SharedFiles:
    """The files of a home that are kept in the store as well.

    Attributes:
        home: where they are on this machine.
        place: where they are for all machines; None where nothing is shared.
        sent: which version of each was last sent or fetched here.
    """

    home: ProjectHome
    place: ObjectPlace | None = None
    sent: KnownRecords | None = None

    @classmethod
    def of(cls, home: ProjectHome) -> SharedFiles:
        """Those of a project; none unless $IMGASSETS_STORE is set. Raises as `store_of`."""
        url = store_url()
        if url is None:
            return cls(home)
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        return cls(home, place_at(url), KnownRecords(home.cache / f"files-{name}.sqlite"))

    def push(self) -> int:
        """Send what was written here since; returns how many files.

        Raises:
            StoreError: the store cannot be written.
        """
        if self.place is None:
            return 0
        changed = [path for path in self._here() if self._version(path) != self._noted(path)[1]]
        in_threads(self._send, changed)
        return len(changed)

    def pull(self) -> int:
        """Fetch what other machines wrote since: one request for every thousand files, and one for
        each that is new. Returns how many files.

        Raises:
            StoreError: the store cannot be read.
        """
        if self.place is None:
            return 0
        new = [one for one in self.place.listed(_FILES) if self._is_newer(one)]
        in_threads(self._fetch, new)
        return len(new)

    def _here(self) -> Iterable[Path]:
        for folder in self.home.shared:
            for path in sorted(folder.rglob("*")):
                if not path.name.startswith(".") and path.is_file():
                    yield path

    def _send(self, path: Path) -> None:
        assert self.place is not None  # noqa: S101 - for the type checker
        version = self._version(path)  # before it is read: one written meanwhile is sent again
        etag = self.place.write(self._name(path), path.read_bytes())
        self._note(path, etag, version)

    def _is_newer(self, there: Listed) -> bool:
        path = self._path(there.name)
        if path is None:
            return False
        etag, version = self._noted(path)
        if not path.is_file():
            return True
        if etag == there.etag:
            return False
        untouched = version == self._version(path)
        return untouched or path.stat().st_mtime < there.changed

    def _fetch(self, there: Listed) -> None:
        assert self.place is not None  # noqa: S101 - for the type checker
        path, data = self._path(there.name), self.place.read(there.name)
        if path is None or data is None:
            return
        with whole_file(path) as temporary:
            temporary.write_bytes(data)
        self._note(path, there.etag, self._version(path))

    def _name(self, path: Path) -> str:
        return _FILES + path.relative_to(self.home.folder).as_posix()

    def _path(self, name: str) -> Path | None:
        """Where an object belongs; None where nothing shared belongs there."""
        return self.home.shared_file(name.removeprefix(_FILES))

    def _version(self, path: Path) -> str:
        if not path.is_file():
            return ""
        status = path.stat()
        return f"{status.st_mtime_ns} {status.st_size}"

    def _noted(self, path: Path) -> tuple[str, str]:
        """(version there, version here) of a file when it was last sent or fetched."""
        said = self.sent.noted(self._name(path)) if self.sent else ""
        etag, _, version = said.partition("\n")
        return etag, version

    def _note(self, path: Path, etag: str, version: str) -> None:
        if self.sent:
            self.sent.note(self._name(path), f"{etag}\n{version}")
