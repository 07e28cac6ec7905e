"""`imgassets plan | head` is no error: what nobody reads any more is dropped.

The command goes on, and its exit code stays its own, so that a gate in a shell script
(`set -o pipefail; imgassets validate | head -5`) still tells a GO from a NO-GO.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


class _Dropping(io.FileIO):
    """An open file that becomes the null device once its reader is gone."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return len(data)


def forgive_closed_pipes() -> None:
    """From here on standard output and standard error outlast their readers."""
    sys.stdout, sys.stderr = _outlasting(sys.stdout), _outlasting(sys.stderr)


def _outlasting(stream: TextIO) -> TextIO:
    try:
        file = _Dropping(stream.fileno(), "w", closefd=False)
    except (AttributeError, OSError):  # closed by who started us, or no file at all
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=getattr(stream, "line_buffering", False),
    )
