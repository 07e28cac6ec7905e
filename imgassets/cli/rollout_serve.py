"""`imgassets rollout serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from imgassets.cli.options import HOST, OK, complain
from imgassets.cli.rollout_options import files_here


def serve(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 8016,
) -> int:
    """Answer for the flags over HTTP, on loopback, by OFREP.

    For JavaScript, whose SDK notices a changed file only after seconds, and for languages without
    an SDK that reads files: http://127.0.0.1:PORT is the base URL of any OFREP provider. It reads
    rollout/flags.json whenever that was replaced. Ends by Ctrl-C.
    """
    import uvicorn

    from imgassets.rollout.evaluation import LiveFlags
    from imgassets.rollout.ofrep import application

    path = files_here().flags
    complain(f"{path}: http://{HOST}:{port}")
    app = application(LiveFlags(path))
    uvicorn.run(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=2)
    return OK
