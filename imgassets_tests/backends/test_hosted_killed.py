"""SIGKILL at the worst moments of a paid request: nothing is ever paid for twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imgassets.backends.journal import Journal
from imgassets.documents.base import fingerprint
from imgassets.documents.failures import FAILURE_MODES
from imgassets_tests.backends.hosted_models import asked, backend_of, model_of, provider
from imgassets_tests.fakes.server import FakeProvider

COUNT = 6
#: Runs in a process of its own: all requests at once, as `make_images` sends them.
SCRIPT = f"""
import sys
from pathlib import Path
from imgassets_tests.backends.hosted_models import asked, backend_of, model_of

api, root = sys.argv[1], Path(sys.argv[2])
model = model_of(api, {{"max_in_flight": int(sys.argv[3])}})
backend_of(root, model).generate(asked(model, {COUNT}))
"""


def kill_at(stage: str, fake: FakeProvider, api: str, root: Path) -> None:
    """Start a run, and kill it when the provider is in a stage (it then goes on)."""
    fake.hold = stage
    in_flight = "1" if stage == "download" else "2"  # so that none is drawn while one is fetched
    command = [sys.executable, "-c", SCRIPT, api, str(root), in_flight]
    run = subprocess.Popen(command, env=dict(os.environ))
    assert fake.held.wait(60), "the run never got there"
    run.send_signal(signal.SIGKILL)
    run.wait()
    fake.hold = ""
    fake.release.set()


@pytest.mark.parametrize(
    ("api", "stage"), [("ideogram", "drawn"), ("ideogram", "download"), ("gemini", "drawn")]
)
def test_a_killed_run_goes_on_and_pays_nothing_twice(
    api: str, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        kill_at(stage, fake, api, tmp_path)
        model = model_of(api)
        outcomes = backend_of(tmp_path, model).generate(asked(model, COUNT))
        assert max(fake.bills.values()) == 1
        billed = sum(fake.bills.values())
        lost = [o for o in outcomes if o.failure]
        if stage == "download":
            assert not lost  # the link was in the journal
        else:
            # In flight when it died: whether they were billed, only the provider knows.
            assert 1 <= len(lost) <= 2
            assert {o.failure for o in lost} == {"reply_lost"}
        assert Journal(tmp_path / ".imgassets/paid", model.model).spent() == pytest.approx(
            0.06 * COUNT
        )
        assert billed <= COUNT

        bold = model_of(api, {"ask_again": True})
        outcomes = backend_of(tmp_path, bold).generate(asked(bold, COUNT))
        assert not any(o.failure for o in outcomes)
        assert sum(fake.bills.values()) == billed + len(lost)


def test_bytes_stored_by_a_process_that_died_before_saying_so_are_used(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "m")
    key = "ab" * 32
    journal.claim(key, "generate", 0.1, 1.0, lambda _: True)
    journal._write(key, b"image")  # killed right here
    entry = Journal(tmp_path, "m").find(key)
    assert entry is not None
    assert entry.state == "received"
    assert journal.read(key) == b"image"


#: Claims one image, and is told after a moment that the provider failed and bills nothing.
IN_VAIN = """
import sys, time
from pathlib import Path
from imgassets.backends.base import HostedError
from imgassets.backends.journal import Journal

journal, key = Journal(Path(sys.argv[1]), sys.argv[2]), sys.argv[3]
journal.claim(key, "generate", 0.06, 1.0, lambda entry: entry.state == "unbilled")
print("claimed", flush=True)
time.sleep(0.5)
journal.fail(key, HostedError("server_error", "HTTP 500", billed=False, again=True))
"""


@pytest.mark.parametrize("attempts", [2, 1])
def test_what_another_process_asked_for_in_vain_is_asked_for_anew(
    attempts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one claims while this one waits for its turn, having found nothing before."""
    model = model_of("gemini", {"attempts": attempts})
    inputs = asked(model)
    others: list[subprocess.Popen[bytes]] = []

    def wait() -> None:
        if not others:
            folder = str(tmp_path / ".imgassets/paid")
            command = [sys.executable, "-c", IN_VAIN, folder, model.model, fingerprint(inputs[0])]
            others.append(subprocess.Popen(command, stdout=subprocess.PIPE))
            assert others[0].stdout is not None
            assert others[0].stdout.readline() == b"claimed\n"

    with provider(monkeypatch, "gemini") as fake:
        backend = backend_of(tmp_path, model)
        monkeypatch.setattr(backend._pace, "wait", wait)
        (outcome,) = backend.generate(inputs)
        assert others[0].wait(30) == 0
        if attempts > 1:
            assert outcome.failure is None, outcome.message
        else:  # what passes, and says nothing of the model
            assert outcome.failure == "server_error"
            assert outcome.message == "another process asked in vain: HTTP 500"
            (outcome,) = backend.generate(inputs)
            assert outcome.failure is None, outcome.message
        assert sum(fake.posts.values()) == sum(fake.bills.values()) == 1
    journal = Journal(tmp_path / ".imgassets/paid", model.model)
    assert journal.spent() == pytest.approx(0.06)


def test_another_living_process_is_waited_for(tmp_path: Path) -> None:
    """Whoever asks second gets the first one's image, and sends nothing."""
    key = "cd" * 32
    script = f"""
import time
from pathlib import Path
from imgassets.backends.journal import Journal

journal = Journal(Path({str(tmp_path)!r}), "m")
journal.claim({key!r}, "generate", 0.1, 1.0, lambda _: True)
print("claimed", flush=True)
time.sleep(0.5)
journal.receive({key!r}, b"image", {{}}, 1.0)
"""
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"claimed\n"
    journal = Journal(tmp_path, "m")
    assert journal.claim(key, "generate", 0.1, 1.0, lambda _: True) is False
    entry = journal.find(key, patience=30)
    assert other.wait(30) == 0
    assert entry is not None
    assert entry.state == "received"
    assert journal.spent() == pytest.approx(0.1)


def test_a_request_that_another_process_still_waits_for_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience ends first: nothing is sent, nothing is held against the model, and a later run
    asks when the other came to nothing.
    """
    model = model_of("gemini", {"patience_seconds": 0.2})
    inputs = asked(model)
    folder = tmp_path / ".imgassets/paid"
    script = IN_VAIN.replace("time.sleep(0.5)", "sys.stdin.readline()")
    command = [sys.executable, "-c", script, str(folder), model.model]
    other = subprocess.Popen(
        [*command, fingerprint(inputs[0])], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"claimed\n"
    with provider(monkeypatch, "gemini") as fake:
        backend = backend_of(tmp_path, model)
        (outcome,) = backend.generate(inputs)
        assert outcome.failure == "in_progress"
        assert FAILURE_MODES[outcome.failure].transient
        assert sum(fake.posts.values()) == 0
        other.communicate(b"\n", timeout=30)
        (outcome,) = backend.generate(inputs)
        assert outcome.failure is None, outcome.message
