"""Applications as docs/flags.md shows them, with the real SDKs of both languages.

The code is that of the page. Packages are installed into the temporary folder once.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from imgassets.rollout import steps
from imgassets.rollout.flags import bucket_of
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.factories import at, files_in, open_gates, step
from imgassets_tests.rollout.sdks import (
    JAVASCRIPT,
    NEWEST_JS,
    PYTHON,
    Application,
    javascript_application,
    python_application,
)

USERS = [f"user-{i}" for i in range(9_990)] + [
    "", "/", "a b", "J\u00fcrgen", "\u7528\u6237", "\U0001f600", "x" * 5000, "0", "%", "\u0301",
]  # fmt: skip
REVERTS = 3
SECONDS = 2.0


def go(files: RolloutFiles, stage: float | str) -> None:
    """Begin at a stage, or go on to it."""
    last = at(files, "headline").last
    if last is None or not last.running:
        models = ("tiny-base", "tiny-turbo")
        steps.start(files, step(of="headline"), models, stage, open_gates(), last)  # type: ignore[arg-type]
    else:
        steps.promote(files, step(of="headline"), stage, open_gates(), last)  # type: ignore[arg-type]


@contextmanager
def served(root: Path) -> Iterator[int]:
    """`imgassets rollout serve` for a project; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from imgassets.cli.main import main; main(['rollout', 'serve', '--port', '{port}'])"
    server = subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.DEVNULL)
    try:
        _answers(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with closing(socket.socket()) as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "contracts").mkdir()
    return tmp_path


def models(application: Application, users: list[str]) -> list[str]:
    return json.loads(application.ask(json.dumps({"users": users})))


def test_ten_thousand_users_get_the_same_model_in_every_generation(project: Path) -> None:
    files = files_in(project)
    go(files, 1)
    applications = {provider: python_application(project, provider) for provider in PYTHON}
    before: set[str] = set()
    for stage in (1, 10, 50):
        if stage > 1:
            go(files, stage)
        wanted = wanted_at(stage)
        inside = {user for user, model in zip(USERS, wanted, strict=True) if model == "tiny-turbo"}
        assert before < inside
        assert abs(len(inside) / len(USERS) - stage / 100) < 0.015
        for provider, application in applications.items():
            seen(application, "tiny-turbo", min(inside - before))
            assert models(application, USERS) == wanted, provider
        before = inside
    for application in applications.values():
        application.close()


def wanted_at(stage: int) -> list[str]:
    """The model of each user, by the stated hash."""
    return [
        "tiny-turbo" if bucket_of("headline", user) < stage * 100 else "tiny-base" for user in USERS
    ]


@pytest.mark.parametrize("provider", JAVASCRIPT)
def test_javascript_gives_every_user_the_same_model(project: Path, provider: str) -> None:
    files = files_in(project)
    go(files, 10)
    application = javascript_application(project, provider=provider)
    assert models(application, USERS) == wanted_at(10)
    application.close()


def test_a_revert_is_seen_by_both_languages_in_under_two_seconds(project: Path) -> None:
    files = files_in(project)
    go(files, 100)
    with served(project) as port:
        both = [python_application(project), javascript_application(project, port)]
        assert models(both[1], USERS[:1000]) == ["tiny-turbo"] * 1000
        for _ in range(REVERTS):
            for application in both:
                seen(application, "tiny-turbo")
            for application in both:
                application.tell(json.dumps({"until": "tiny-base", "user": "ada"}))
            begun = time.monotonic()
            assert steps.revert(files, step(of="headline")).entry is not None
            for application in both:
                application.answer()
                assert time.monotonic() - begun < SECONDS
            go(files, 100)
        for application in both:
            application.close()


def seen(application: Application, model: str, user: str = "ada") -> None:
    """Wait until an application gets a model for a user."""
    application.ask(json.dumps({"until": model, "user": user}))


def test_what_cannot_be_read_gives_the_incumbent(project: Path) -> None:
    files = files_in(project)
    go(files, 100)
    application = python_application(project)
    assert models(application, ["ada"]) == ["tiny-turbo"]
    last = files.flags.read_text()
    files.flags.write_text(last[: len(last) // 2])
    time.sleep(1)
    assert models(application, ["ada"]) == ["tiny-turbo"]  # the last good flags
    files.flags.write_text(last.replace("ENABLED", "DISABLED"))
    seen(application, "tiny-base")
    application.close()
    with served(project) as port:
        over_http = javascript_application(project, port)
        assert models(over_http, ["ada"]) == ["tiny-base"]
        files.flags.write_text(last)
        assert models(over_http, ["ada"]) == ["tiny-turbo"]
    assert models(over_http, ["ada"]) == ["tiny-base"]  # the server is gone
    over_http.close()


def test_at_shadow_the_application_learns_whom_to_ask_besides(project: Path) -> None:
    files = files_in(project)
    go(files, "shadow")
    application = python_application(project)
    assert models(application, USERS[:100]) == ["tiny-base"] * 100
    assert json.loads(application.ask(json.dumps({"shadow": "ada"}))) == "tiny-turbo"
    go(files, 1)
    time.sleep(1)
    assert json.loads(application.ask(json.dumps({"shadow": "ada"}))) is None
    application.close()


def test_the_page_and_the_tests_speak_of_the_same_versions() -> None:
    assert set(PYTHON) == {"0.2.7", "0.4.1", "0.5.2", "0.6.1"}
    assert NEWEST_JS in JAVASCRIPT
