"""Who does something, for the history."""

from __future__ import annotations

import getpass
import os
import socket


def who() -> str:
    """The user and the machine, such as `ada@studio-3`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
