"""`imgassets serve`."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from imgassets.cli.options import HOST, OK, Device, DeviceWord, complain, valid_project


def serve(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the project.")],
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 8400,
    device: Device = DeviceWord.AUTO,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a JSON line for each request: when it came and was answered, how long it "
            "waited and was made.",
        ),
    ] = None,
    end_with_parent: Annotated[bool, typer.Option("--end-with-parent", hidden=True)] = False,
) -> int:
    """Serve a model with the OpenAI images protocol on loopback.

    Answers /v1/images/generations, /v1/images/edits and /v1/models at http://127.0.0.1:PORT/v1,
    with the images that `validate` would get; /v1/images/stylize and /v1/images/upscale as well,
    where the model can. Every reply tells in `Server-Timing` how long it waited. Ends by Ctrl-C.
    """
    import uvicorn

    from imgassets.backends.device import choose_device
    from imgassets.backends.registry import open_backend, open_maker
    from imgassets.serving.app import application
    from imgassets.serving.asked import Asked
    from imgassets.serving.batching import Batcher
    from imgassets.storage.ownership import ready_home

    if end_with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    project = valid_project()
    ready_home(project.root)
    chosen, why = choose_device(device)
    document = project.model(model)
    asked = Asked(project, model, chosen)
    batcher = Batcher(
        lambda: open_backend(project.root, document, chosen),
        max(1, document.batch_size),
        open_maker=lambda flow, backend: open_maker(flow, project.root, document, chosen, backend),
    )
    complain(f"{model} on {chosen} ({why}): http://{HOST}:{port}/v1")
    try:
        with log.open("a", encoding="utf-8") if log else nullcontext() as lines:
            app = application(model, asked, batcher, lines)
            uvicorn.run(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=5)
    finally:
        batcher.close()
    return OK


def _end_with_parent() -> None:
    """Whoever started a server for itself may be killed; nobody would end it then."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
