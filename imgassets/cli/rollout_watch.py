"""`imgassets rollout outcomes` and `watch`: what production reports, and what follows from it."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgassets.cli.options import NOT_OK, OK, Json, complain, show
from imgassets.cli.rollout_options import EndpointName

if TYPE_CHECKING:
    from imgassets.rollout.watch import Watched, Watcher

#: All of a file is read at once.
_MOST = 512 * 2**20
_EVERY = re.compile(r"(\d+(?:\.\d+)?)(s|min|h)?")
_SECONDS = {"s": 1.0, None: 1.0, "min": 60.0, "h": 3600.0}


def outcomes(
    endpoint: EndpointName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, or a CSV.")],
    json: Json = False,
) -> int:
    """Take in what became of production's requests, one line each.

    Every line has id, at, arm (incumbent or candidate) and status (ok, started, or how it failed);
    it may have user, seconds, usd, image and sha256 (docs/outcomes.md). The same id is counted
    once, so a file that grew may be given again. Lines that are no outcomes are told and kept
    aside, all others count; a last line that is half written waits. Exit 0 when all lines are
    outcomes, 1 when some are not.
    """
    from imgassets.documents.text_files import read_text
    from imgassets.rollout.outcome_lines import read_outcomes
    from imgassets.rollout.outcomes import log_of
    from imgassets.storage.ownership import ready_home

    root = _known(endpoint)
    wanted = "give JSON lines, or a CSV whose first line names the fields"
    text = read_text(file, "outcomes", wanted, _MOST)
    form: Literal["csv", "jsonl"] = "csv" if file.suffix.lower() == ".csv" else "jsonl"
    found = read_outcomes(text, str(file), datetime.now(UTC), form)
    kept = log_of(ready_home(root), endpoint).append(found.outcomes, found.problems, found.lines)
    for problem in found.problems:
        complain(str(problem))
    if kept.differing:
        complain(
            f"{len(kept.differing)} id(s) said something else before, which holds: "
            f"{', '.join(kept.differing[:5])}"
        )
    told = {
        "new": kept.new,
        "known": kept.known,
        "refused": len(found.problems),
        "unfinished_last_line": found.unfinished,
    }
    lines = [f"{file}: {kept.new} new, {kept.known} known before, {len(found.problems)} refused"]
    if found.unfinished:
        lines.append("the last line is half written; give the file again when it is whole")
    show(json, told, "\n".join(lines))
    return NOT_OK if found.problems else OK


def watch(
    endpoint: EndpointName,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="Between looks: 10s, 5min, 1h.")
    ] = "10s",
    json: Json = False,
) -> int:
    """Judge production's outcomes, and take the rollout back when a limit is broken.

    Needs no Dagster. A breach of the contract's `rollout.outcomes` reverts, or freezes, by itself,
    and the history says why. Several watchers may run at once. With --once, exit 0 when no limit
    is broken, 1 when one is; else it ends by Ctrl-C.
    """
    from imgassets.rollout.people import who

    wait, by = _seconds(every), f"watch of {who()}"
    said = ""
    watcher = _watcher(endpoint)
    while True:
        try:
            seen = watcher.pass_once(by, datetime.now(UTC))
        except (OSError, RuntimeError) as error:
            if once:
                raise
            complain(f"{error}; trying again in {every}")
        else:
            said = _tell(seen, said, json)
            if once:
                return NOT_OK if seen.breach else OK
        time.sleep(wait)
        watcher = _watcher_of_now(endpoint, watcher)


def _tell(seen: Watched, said: str, json: bool) -> str:
    """Print what changed since it was last said."""
    if str(seen) != said:
        show(json, seen.to_dict(), seen)
        sys.stdout.flush()  # into a log or a pipe, too
    return str(seen)


def _watcher(endpoint: str) -> Watcher:
    from imgassets.documents.project import load_project
    from imgassets.rollout.watch import watcher_of
    from imgassets.storage.ownership import ready_home

    project = load_project()
    ready_home(project.root)
    found = watcher_of(project, endpoint)
    if found is None:
        file = project.endpoints[endpoint].file
        raise LookupError(f"{file} has no `rollout.outcomes`; add its limits (docs/outcomes.md)")
    return found


def _watcher_of_now(endpoint: str, known: Watcher) -> Watcher:
    """By the contract as it is now; by the last good one while somebody is editing it."""
    try:
        return _watcher(endpoint)
    except (LookupError, ValueError, OSError) as error:
        complain(f"{error.args[0] if error.args else error}; watching by the contract as it was")
        return known


def _known(endpoint: str) -> Path:
    """The project's folder, if it knows the endpoint by its contracts or by its flags."""
    from imgassets.documents.project import load_project
    from imgassets.rollout.record import read_record
    from imgassets.storage.rollout_files import rollout_files

    project = load_project()
    names = {*project.endpoints, *read_record(rollout_files(project.root)).endpoints}
    if endpoint not in names:
        told = ", ".join(sorted(names)) or "none"
        raise LookupError(f"no endpoint {endpoint!r}; there are: {told}")
    return project.root


def _seconds(every: str) -> float:
    found = _EVERY.fullmatch(every.replace(" ", ""))
    if found is None or not float(found[1]):
        raise ValueError(f"--every {every!r} is no time; write 10s, 5min or 1h")
    return float(found[1]) * _SECONDS[found[2]]
