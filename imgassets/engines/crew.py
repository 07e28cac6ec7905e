"""What a crew is: workers in numbered places, started, given work, and listened to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class EngineError(RuntimeError):
    """Workers cannot work at all; the message names the setting or machine, and the fix."""


@dataclass(frozen=True)
class Ready:
    """A worker began.

    Attributes:
        place: its number.
        versions: of what can change its outcomes, where it runs.
    """

    place: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Done:
    """A worker did its task: one outcome an image, in order."""

    place: int
    outcomes: list[Any]


@dataclass(frozen=True)
class Failed:
    """A worker raised what concerns all images; the worker goes on."""

    place: int
    error: Exception


@dataclass(frozen=True)
class Lost:
    """A worker is gone, and what it had begun with it; `why` in words."""

    place: int
    why: str


Event = Ready | Done | Failed | Lost


class Crew(Protocol):
    """Workers; one task a worker at a time."""

    def start(self, place: int) -> None:
        """Start a worker in a place that has none; `Ready` follows, or `Lost`."""

    def give(self, place: int, order: Any, task: Any) -> None:
        """Give a task to a worker that has none; `Done`, `Failed` or `Lost` follows.

        Args:
            place: of the worker.
            order: what many tasks have in common.
            task: what is to be done now.
        """

    def wait(self, seconds: float) -> Sequence[Event]:
        """What happened; returns as soon as something did, and empty-handed after some seconds."""

    def end(self, place: int) -> None:
        """End one worker, at once; no event follows, and its place has none."""

    def close(self) -> None:
        """End all workers, at once."""
