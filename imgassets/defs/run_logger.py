"""What a run says of itself on the console, and how a command line shows how far it is."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

#: Shows how far something is: what it is, how much is done, of how much. Without numbers: it began.
Show = Callable[[str, int | None, int | None], None]
#: Each line in a run's log is a row in Dagster's database, which takes as long as storing an image
#: or several.
_LOG_SECONDS = 5.0
_shown: list[Show] = []


@contextmanager
def shown_by(show: Show | None) -> Iterator[None]:
    """While this lasts, `show` is told of progress, and the console gets warnings alone.

    Where it is None nothing changes: the console gets a line every few seconds.
    """
    if show is None:
        yield
        return
    _shown.append(show)
    try:
        yield
    finally:
        _shown.remove(show)


def telling(log: Any, what: str) -> Callable[[int, int], None]:
    """Takes (done, of) as often as there is something new; the run's log gets it every few s."""
    logged = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal logged
        for show in _shown:
            show(what, done, of)
        if done and (done == of or time.monotonic() - logged >= _LOG_SECONDS):
            logged = time.monotonic()
            log.info(f"{what} {done}/{of}")

    return tell


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        message = meta.get("orig_message") or record.getMessage()
        return f"{self.formatTime(record, '%H:%M:%S')} {message}"


class _Steps(logging.Handler):
    """Shows which step begins, for steps that have nothing to count."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is not None and event.is_step_start:
            for show in _shown:
                show(str(event.step_key).replace("__", "/"), None, None)


@dg.logger({}, "Progress in words on standard error; Dagster's events are in its UI.")
def progress(_: dg.InitLoggerContext) -> logging.Logger:
    """INFO and above, without the run id and step key Dagster puts before each line.

    Where a display shows progress, it gets the steps, and the console warnings alone.
    """
    logger = logging.getLogger("imgassets.progress")
    logger.setLevel(logging.DEBUG if _shown else logging.INFO)
    logger.propagate = False
    words = logging.StreamHandler(sys.stderr)
    words.setLevel(logging.WARNING if _shown else logging.INFO)
    words.setFormatter(_Short())
    logger.handlers = [words, _Steps()]
    return logger
