"""`imgassets rollout serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import HOST, OK, complain
from imgassets.cli.rollout_options import files_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgassets.rollout.evaluation import LiveFlags
    from imgassets.rollout.outcomes import OutcomeLog
    from imgassets.storage.project_home import ProjectHome


def serve(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 8016,
) -> int:
    """Answer for the flags over HTTP, on loopback, by OFREP.

    For JavaScript, whose SDK notices a changed file only after seconds, and for languages without
    an SDK that reads files: http://127.0.0.1:PORT is the base URL of any OFREP provider. It reads
    rollout/flags.json whenever that was replaced. POST /outcomes/ENDPOINT takes what became of
    requests, with the token that lies in a file of the project's home (docs/outcomes.md). Ends by
    Ctrl-C.
    """
    import uvicorn
    from starlette.applications import Starlette

    from imgassets.documents.project import find_root
    from imgassets.rollout.evaluation import LiveFlags
    from imgassets.rollout.ofrep import application
    from imgassets.rollout.outcomes_server import outcome_routes, token_of
    from imgassets.storage.ownership import ready_home

    path, home = files_here().flags, ready_home(find_root())
    flags = LiveFlags(path)
    token, kept_in = token_of(home)
    complain(f"{path}: http://{HOST}:{port}; the token for outcomes is in {kept_in}")
    reports = outcome_routes(_logs(home, flags), token)
    app = Starlette(routes=[*application(flags).routes, *reports])
    uvicorn.run(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=2)
    return OK


def _logs(home: ProjectHome, flags: LiveFlags) -> Callable[[str], OutcomeLog | None]:
    """The log of each endpoint that has a flag, by its name."""
    from imgassets.rollout.outcomes import log_of

    def log(name: str) -> OutcomeLog | None:
        flags.refresh()
        return log_of(home, name) if name in flags.keys else None

    return log
