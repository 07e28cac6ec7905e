"""Batches of requests, and what makes them: in this process, or spread over others.

`make_images` hands batches to an engine and takes outcomes back in any order. What an image looks
like does not depend on its batch, so neither does it depend on the engine. Engines that spread
batches live in `imgassets.engines`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from imgassets.backends.base import Outcome
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore

if TYPE_CHECKING:
    from PIL import Image

#: Makes the images of some requests, given their sources where the flow has any.
Make = Callable[[Sequence[dict[str, Any]], "Sequence[Image.Image]"], list[Outcome]]


@dataclass(frozen=True)
class Batch:
    """Requests that are made together, and the store that has the images they start from."""

    requests: Sequence[Request]
    store: ImageStore

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """What is asked for."""
        return [request.inputs for request in self.requests]

    @property
    def source_keys(self) -> list[str]:
        """Image keys of what the images start from; none where they start from a prompt."""
        return [request.source_key for request in self.requests if request.source_key]

    def sources(self) -> list[Image.Image]:
        """The images they start from, decoded."""
        self.store.fetch_images(self.source_keys)
        return [self.store.read(key) for key in self.source_keys]

    def source_files(self) -> list[bytes]:
        """The PNG files of the images they start from: smaller than pixels, for another process."""
        self.store.fetch_images(self.source_keys)
        return [self.store.read_bytes(key) for key in self.source_keys]


#: A batch, and what became of each of its requests, in order.
Made = tuple[Batch, list[Outcome]]


@runtime_checkable
class Engine(Protocol):
    """Makes batches.

    Attributes:
        workers: how many batches it makes at the same time.
    """

    @property
    def workers(self) -> int:
        """See the class."""

    def run(self, batches: Sequence[Batch]) -> Iterator[Made]:
        """Each batch with its outcomes, in any order, as soon as it is made."""


@dataclass(frozen=True)
class InProcess:
    """The engine of one process: makes one batch after the other, in order."""

    make: Make
    workers: int = 1

    def run(self, batches: Sequence[Batch]) -> Iterator[Made]:
        """See `Engine`."""
        for batch in batches:
            yield batch, self.make(batch.inputs, batch.sources())
