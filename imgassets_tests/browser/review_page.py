"""The review page in a browser, served in this process by a thread, with the real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from imgassets.review.server import application
from imgassets.review.session import Session


@contextmanager
def serving(session: Session, port: int) -> Iterator[str]:
    """The page's address while the block runs."""
    config = uvicorn.Config(
        application(session.desk, session.token), host="127.0.0.1", port=port, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield session.address("127.0.0.1", port, "")
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def until(page: Any, holds: str) -> None:
    """Wait for an expression; playwright's own waiting needs `eval`, which the page forbids."""
    deadline = time.monotonic() + 30
    while not page.evaluate(holds):
        if time.monotonic() > deadline:
            raise TimeoutError(holds)
        page.wait_for_timeout(10)


def ready(page: Any) -> None:
    """Wait until both images of a pair can be seen."""
    page.wait_for_selector("#work:not([hidden])")
    until(
        page,
        "['left', 'right'].every(id => { const image = document.getElementById(id);"
        " return image.closest('.frame').hidden || (image.complete && image.naturalWidth > 0) })",
    )


def progress(page: Any) -> str:
    """As the page tells it: `12 of 40`."""
    return str(page.inner_text("#progress"))


def saved(page: Any, said: str = "All saved") -> None:
    """Wait until the page says so of what it sent."""
    until(page, f"document.getElementById('saved').textContent.startsWith({said!r})")
