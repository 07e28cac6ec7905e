"""How far a long command is: one live line on a terminal, a line every few seconds elsewhere.

All of it goes to standard error, so that what a command prints can be piped and parsed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from imgassets.cli.live import Live

#: Shows what is being done, how much of it is done, of how much; without numbers it only began.
Show = Callable[[str, int | None, int | None], None]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress, and no hints: the result and what is wrong.")
]
_LINE_SECONDS = 5.0


@contextmanager
def shown(quiet: bool, keep: bool = False) -> Iterator[Show]:
    """What shows progress while this lasts.

    Args:
        quiet: show nothing.
        keep: whether what has no numbers leaves a line behind as well.
    """
    live = None if quiet else live_display(keep)
    if live is None:
        yield nothing if quiet else Lines().show
    else:
        with live:
            yield live.show


def live_display(keep: bool = False) -> Live | None:
    """One live line, where standard error is a terminal that can have one."""
    if not sys.stderr.isatty():
        return None
    from imgassets.cli.live import Live  # brings rich

    live = Live(keep)
    return live if live.usable else None


def nothing(what: str, done: int | None = None, of: int | None = None) -> None:
    """A `Show` that shows nothing."""


class Lines:
    """A line when something begins that has no numbers, every few seconds, and at the end."""

    def __init__(self) -> None:
        self._printed = time.monotonic()

    def show(self, what: str, done: int | None = None, of: int | None = None) -> None:
        """See `Show`."""
        if done is None or of is None:
            self._print(what)
        elif done == of or time.monotonic() - self._printed >= _LINE_SECONDS:
            self._print(f"{what} {done}/{of}")

    def _print(self, words: str) -> None:
        self._printed = time.monotonic()
        print(time.strftime("%H:%M:%S"), words, file=sys.stderr, flush=True)
