"""The console log of a run: one short line for each step people wait for."""

import logging
import sys
from typing import Any

import dagster as dg


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        message = meta.get("orig_message") or record.getMessage()
        return f"{self.formatTime(record, '%H:%M:%S')} {message}"


@dg.logger({}, "Progress in words on standard error; Dagster's events are in its UI.")
def progress(_: dg.InitLoggerContext) -> logging.Logger:
    """INFO and above, without the run id and step key Dagster puts before each line."""
    logger = logging.getLogger("imgassets.progress")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [logging.StreamHandler(sys.stderr)]
    logger.handlers[0].setFormatter(_Short())
    return logger
