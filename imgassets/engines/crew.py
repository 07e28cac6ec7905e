"""What a crew is: workers in numbered places, started, given work, and listened to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from imgassets.backends.base import Outcome
from imgassets.engines.worker import Task


class EngineError(RuntimeError):
    """Workers cannot work at all; the message names the setting or machine, and the fix."""


@dataclass(frozen=True)
class Ready:
    """A worker began.

    Attributes:
        place: its number.
        versions: of what can change a pixel, where it runs.
    """

    place: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Done:
    """A worker made its batch: one outcome a request, in order."""

    place: int
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Failed:
    """A worker's backend raised what concerns all images; the worker goes on."""

    place: int
    error: Exception


@dataclass(frozen=True)
class Lost:
    """A worker is gone, and what it had begun with it; `why` in words."""

    place: int
    why: str


Event = Ready | Done | Failed | Lost


class Crew(Protocol):
    """Workers; one batch a worker at a time."""

    def start(self, place: int) -> None:
        """Start a worker in a place that has none; `Ready` follows, or `Lost`."""

    def give(self, place: int, task: Task) -> None:
        """Give a batch to a worker that has none; `Done`, `Failed` or `Lost` follows."""

    def wait(self, seconds: float) -> Sequence[Event]:
        """What happened; returns as soon as something did, and empty-handed after some seconds."""

    def close(self) -> None:
        """End all workers, at once."""
