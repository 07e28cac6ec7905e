"""Folders and settings that the environment names, read so that a slip writes nothing elsewhere."""

from __future__ import annotations

import os
import zoneinfo
from pathlib import Path


class PlaceError(ValueError):
    """A variable or folder that cannot be used; names it, and the fix."""


def folder_in(variable: str) -> Path | None:
    """The folder that a variable names; None where it is not set.

    Raises:
        PlaceError: it is empty, relative, or begins with `~`, which only shells expand.
    """
    value = os.environ.get(variable)
    if value is None:
        return None
    if not value.strip():
        raise PlaceError(f"${variable} is set and empty; unset it, or name a folder")
    if value.startswith("~"):
        raise PlaceError(
            f"${variable} is {value!r}, and only shells know what ~ means; write the whole path"
        )
    path = Path(value)
    if not path.is_absolute():
        raise PlaceError(
            f"${variable} is {value!r}, which depends on where you stand; write the whole path, "
            f"such as {Path.cwd() / path}"
        )
    return path.resolve()


#: Where reports are served: set by whoever serves them to many (docs/deployment.md), else by
#: `imgassets ui` for the code location it loads.
REPORTS_URL = "IMGASSETS_REPORTS_URL"


def reports_url() -> str | None:
    """Address that the UI serves reports at; None where it was started in another way."""
    return os.environ.get(REPORTS_URL)


def timezone() -> str:
    """The zone of $IMGASSETS_TIMEZONE, in which schedules keep their hours; UTC unless set.

    Raises:
        PlaceError: no zone of that name is known here.
    """
    name = os.environ.get("IMGASSETS_TIMEZONE")
    if name is None:
        return "UTC"
    try:
        if name.strip() != name or not name:
            raise ValueError
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise PlaceError(
            f"$IMGASSETS_TIMEZONE is {name!r}, which is no time zone; write one such as "
            "Europe/Berlin or UTC, or unset it"
        ) from error
    return name
