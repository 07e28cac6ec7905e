"""What the commands of `imgassets rollout` share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from imgassets.rollout.steps import Step
    from imgassets.storage.rollout_files import RolloutFiles

EndpointName = Annotated[str, typer.Option("--endpoint", metavar="E", help="Whose flag.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept in the history.")]


def files_here() -> RolloutFiles:
    """The files of the project's rollouts; no document is read for it."""
    from imgassets.documents.project import find_root
    from imgassets.storage.rollout_files import rollout_files

    return rollout_files(find_root())


def step_of(endpoint: str, reason: str = "", verdict: str = "") -> Step:
    """A step that the user takes now."""
    from imgassets.rollout.people import who
    from imgassets.rollout.steps import Step

    return Step(endpoint, who(), datetime.now(UTC), reason, verdict)
