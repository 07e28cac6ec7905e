"""A bucket and a prefix, or a folder, that objects are kept in by name.

Built on `obstore`, which asks again when a server or the network fails. Every error is a
`StoreError` that says what to do; none of them shows a credential.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from imgassets.storage.entries import StoreError

#: Requests under way at once, where there are many to make.
_AT_ONCE = 32
#: Objects that a server tells of in one answer.
_A_LISTING = 1000
_RETRIES: Any = {
    "max_retries": 8,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "init_backoff": timedelta(seconds=0.1),
        "max_backoff": timedelta(seconds=5),
        "base": 3,
    },
}
_SECRETS = re.compile(r"SECRET|TOKEN|KEY|PASSWORD|SAS")
_REFUSED = re.compile(r"\b40[13]\b|AccessDenied|[Pp]ermission|privileges|Unauth|SignatureDoes")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Listed:
    """An object as a listing tells of it: name, bytes, seconds since 1970, and its version."""

    name: str
    size: int
    changed: float
    etag: str


class ObjectPlace:
    """Objects by name. Safe for several threads, processes and machines at once."""

    def __init__(self, url: str) -> None:
        """
        Args:
            url: as of `documents.environment.store_url`.

        Raises:
            StoreError: it cannot be opened.
        """
        self.url = url
        with self._told():
            self._store = _opened(url)

    def __reduce__(self) -> tuple[Any, ...]:
        return place_at, (self.url,)

    def __repr__(self) -> str:
        return f"ObjectPlace({self.url!r})"

    def read(self, name: str) -> bytes | None:
        """An object's bytes; None where there is none."""
        import obstore

        with self._told():
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError as error:
                self._absent(error)
                return None

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
        import obstore

        with self._told():
            try:
                obstore.head(self._store, name)
            except FileNotFoundError as error:
                self._absent(error)
                return False
        return True

    def write(self, name: str, data: bytes) -> str:
        """Write an object, whole or not at all, over what was there; returns its version."""
        import obstore

        with self._told():
            # In one request: of uploads in parts servers were seen to let two win.
            return obstore.put(self._store, name, data, use_multipart=False)["e_tag"] or ""

    def create(self, name: str, data: bytes) -> bool:
        """Write an object unless there is one; whether this was the one who wrote it."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._told():
            try:
                obstore.put(self._store, name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that are gone already are no error."""
        import obstore

        with self._told():
            for start in range(0, len(names), 1000):
                try:
                    obstore.delete(self._store, list(names[start : start + 1000]))
                except FileNotFoundError:  # a folder says so, and stops there
                    self._delete_each(names[start : start + 1000])

    def _delete_each(self, names: Sequence[str]) -> None:
        import obstore

        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError as error:
                self._absent(error)

    def copy(self, name: str, target: str) -> bool:
        """Copy an object where it is; False where there is none."""
        import obstore

        with self._told():
            try:
                obstore.copy(self._store, name, target)
            except FileNotFoundError as error:
                self._absent(error)
                return False
        return True

    def listed(self, prefix: str) -> Iterator[Listed]:
        """All objects below a prefix: a request for every thousand."""
        import obstore

        with self._told():
            for part in obstore.list(self._store, prefix, chunk_size=_A_LISTING):
                for found in part:
                    changed = found["last_modified"].timestamp()
                    yield Listed(found["path"], found["size"], changed, found["e_tag"] or "")

    def hashes(self, prefix: str) -> Iterator[list[str]]:
        """Names of all objects below a prefix that are named by hashes, some at a time.

        A request for every thousand, as `listed`. Of more than about sixteen thousand the first
        digits are listed all at once: a bucket far away takes a tenth of a second for a request.
        """
        names = self._names(prefix)
        first = list(islice(names, _A_LISTING))
        yield first
        # A listing of Azure, or of a folder, cannot begin in the middle.
        in_parts = self.url.startswith(("s3:", "gs:"))
        if in_parts and len(first) == _A_LISTING and first[-1] < f"{prefix}1":
            digits = [f"{prefix}{digit}" for digit in "123456789abcdef"]
            parts = zip([first[-1], *digits], [*digits, None], strict=True)
            yield from in_threads(lambda part: list(self._names(prefix, *part)), parts)
        else:
            yield list(names)

    def _names(
        self, prefix: str, after: str | None = None, before: str | None = None
    ) -> Iterator[str]:
        import obstore

        with self._told():
            for part in obstore.list(self._store, prefix, offset=after, chunk_size=_A_LISTING):
                for found in part:
                    if before is not None and found["path"] >= before:
                        return
                    yield found["path"]

    def folders(self, prefix: str) -> list[str]:
        """Names of what is directly below a prefix and has objects below it."""
        import obstore

        with self._told():
            found = obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
        return sorted(name.rsplit("/", 1)[-1] for name in found)

    def _absent(self, error: FileNotFoundError) -> None:
        """Tell an object that is not there from a bucket that is not there."""
        if _no_bucket(str(error)):
            raise error

    @contextmanager
    def _told(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreError(self._in_words(str(error))) from None

    def _in_words(self, said: str) -> str:
        said = _without_secrets(said.split("\n\nDebug source", 1)[0])
        bucket = f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}"
        if "169.254." in said or "latest/api/token" in said:
            why = "no credentials were found; set them as docs/object-storage.md says"
        elif _no_bucket(said):
            why = f"there is no bucket {bucket}; make it, or correct $IMGASSETS_STORE"
        elif _REFUSED.search(said):
            why = (
                "the credentials are refused, or may not do this; they need to list, read, write "
                "and delete objects below the prefix (docs/object-storage.md)"
            )
        elif "error sending request" in said or "timed out" in said:
            why = (
                "the server cannot be reached; look at the network, and at the endpoint in "
                "$AWS_ENDPOINT_URL if there is one"
            )
        else:
            why = "what was stored is kept; mend this and run again"
        return f"image store {self.url}: {why}. It said: {_shortened(said)}"


@lru_cache(maxsize=8)
def place_at(url: str) -> ObjectPlace:
    """The place of an address; one for the process, so that its connections are kept open."""
    return ObjectPlace(url)


def in_threads(work: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """What a function returns for some items, in order; many are asked for at once."""
    asked = list(items)
    if len(asked) < 2:
        return [work(item) for item in asked]
    with ThreadPoolExecutor(min(_AT_ONCE, len(asked)), "store") as pool:
        return list(pool.map(work, asked))


def _opened(url: str) -> Any:
    try:
        from obstore.store import LocalStore, from_url
    except ImportError:
        raise StoreError(
            f"$IMGASSETS_STORE is {url}, and obstore is not installed; "
            "run pip install 'imgassets[cluster]'"
        ) from None
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalStore(Path(parts.path))
    more: dict[str, Any] = {}
    if parts.scheme == "s3":
        endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
        if endpoint.scheme == "http" and endpoint.hostname in _LOOPBACK:
            more["client_options"] = {"allow_http": True}
        more |= _aws_profile()
    return from_url(url, retry_config=_RETRIES, **more)


def _aws_profile() -> dict[str, Any]:
    """Credentials of `~/.aws` or a profile, which `obstore` leaves to boto3."""
    files = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")).expanduser()
    if "AWS_ACCESS_KEY_ID" in os.environ or not ("AWS_PROFILE" in os.environ or files.is_file()):
        return {}
    from obstore.auth.boto3 import Boto3CredentialProvider

    return {"credential_provider": Boto3CredentialProvider()}


def _no_bucket(said: str) -> bool:
    signs = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist", "canonicalize")
    return any(sign in said for sign in signs)


def _without_secrets(said: str) -> str:
    """A message without what the environment holds as a secret, or an address carries."""
    for name, value in os.environ.items():
        if _SECRETS.search(name) and len(value) > 5:
            said = said.replace(value, "***")
    said = re.sub(r"://[^/@\s]*@", "://***@", said)
    return re.sub(r"\?[^\s\"']*", "?...", said)


def _shortened(said: str) -> str:
    """One line, with a server's message instead of its XML."""
    told = re.search(r"<Code>(.*?)</Code>(?:.*?<Message>(.*?)</Message>)?", said, re.DOTALL)
    if told:
        return ": ".join(part for part in told.groups() if part)
    line = " ".join(said.split())
    return line if len(line) <= 300 else line[:300] + "..."
