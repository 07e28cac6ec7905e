"""Doing what the plan says: wave by wave, and nothing more. Knows no Dagster.

How a plan is found and how assets are run is handed in; `imgassets.defs.headless` does that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from pathlib import Path

from imgassets.refresh.outputs import set_aside
from imgassets.refresh.planner import Check, Planner
from imgassets.storage.project_home import home_of

#: Makes a planner for the project as it is at the moment.
Look = Callable[[], Planner]
#: Runs some assets with their checks, and further checks; returns what failed, a line each.
Run = Callable[[Sequence[str], Set[Check]], list[str]]


class RunFailedError(RuntimeError):
    """A run did not finish; the message names the assets and their first errors."""


def bring_up_to_date(look: Look, run: Run, wanted: set[str]) -> None:
    """Do what the plan for some assets says.

    Raises:
        RunFailedError: an asset failed; all that does not depend on it was still made.
        ValueError: a file of ours was damaged; names it and the fix.
    """
    look().observe()
    _set_aside_corrupted(look)
    errors = catch_up(look, run, wanted)
    if errors:
        raise RunFailedError("\n".join(errors))


def catch_up(look: Look, run: Run, wanted: set[str]) -> list[str]:
    """Run what is certain to be out of date, look again, and so on until nothing is.

    What comes out as it was stops the wave there, so each run may make the next one smaller.
    Nothing is run twice. Returns the errors; what is out of date though it was made is one, since
    what is below it was left as it was and must not be taken for the present.
    """
    tried: set[str] = set()
    checked: set[Check] = set()
    errors: list[str] = []
    while True:
        planner = look()
        plan = planner.plan(wanted, tried)
        ready = plan.ready(tried)
        checks = planner.outdated_checks(plan, wanted) - checked
        if not ready and not checks:
            return errors or (_left(look, wanted, tried) if plan.must else [])
        tried |= set(ready)
        checked |= checks
        errors += run(ready, checks)


def _left(look: Look, wanted: set[str], tried: set[str], wait: float = 1.0) -> list[str]:
    """What is out of date though it was made, but not what another run is just writing."""
    time.sleep(wait)
    return [
        f"{key} is still out of date, run again to go on: {why}"
        for key, why in look().plan(wanted, tried).must.items()
    ]


def _set_aside_corrupted(look: Look, wait: float = 1.0) -> None:
    """Move corrupted tables to quarantine, but not one that another run is just writing."""
    planner = look()
    found: list[Path] = planner.corrupted_files()
    if found:
        time.sleep(wait)
        for path in set(found) & set(look().corrupted_files()):
            set_aside(home_of(planner.project.root), path)
