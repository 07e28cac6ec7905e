"""The journal of many machines: one budget, nothing paid twice, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from imgassets.backends.base import BackendError, HostedError
from imgassets.backends.journal import Journal
from imgassets.backends.journal_move import move
from imgassets.storage.database import database_of
from imgassets_tests.backends.hosted_models import asked, backend_of, model_of, provider
from imgassets_tests.cluster.postgres_server import PostgresServer

pytestmark = pytest.mark.cluster
KEY = "ab" * 32


def machines(first: int, count: int, *roots: Path, **limits: Any) -> subprocess.Popen[str]:
    """Processes with folders of their own, as other machines have."""
    command = [sys.executable, "-m", "imgassets_tests.cluster.asking", str(first), str(count)]
    return subprocess.Popen(
        [*command, json.dumps(limits), *map(str, roots)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_ten_processes_of_three_machines_never_exceed_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """Each asks for six images of its own at once; there is money for 20 of the 60."""
    with provider(monkeypatch, "gemini") as fake:
        roots = [tmp_path / f"machine{i % 3}" for i in range(10)]
        out, err = machines(0, 6, *roots, max_usd=1.23).communicate(timeout=200)
        ends = [end for line in out.splitlines() for end in json.loads(line)]
        assert len(ends) == 60, err[-2000:]
        assert sum(fake.bills.values()) == 20  # 20 x 0.06 fit into 1.23
        assert max(fake.bills.values()) == 1
    assert ends.count(None) == 20
    assert ends.count("budget_exhausted") == 40
    assert Journal(tmp_path / "machine0", "nano").spent() == pytest.approx(1.2)


def test_what_one_machine_paid_for_another_one_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    model = model_of("gemini")
    with provider(monkeypatch, "gemini") as fake:
        first = backend_of(tmp_path / "one", model).generate(asked(model, 3))
        again = backend_of(tmp_path / "two", model).generate(asked(model, 3))
        assert sum(fake.posts.values()) == 3
    assert not list((tmp_path / "one").rglob("replies/*/*")), "the bytes are in the database"
    for one, two in zip(first, again, strict=True):
        assert one.image is not None
        assert two.image is not None
        assert one.image.tobytes() == two.image.tobytes()


#: Claims one image, and waits for a reply for ever.
ASKS = """
import sys, time
from pathlib import Path
from imgassets.backends.journal import Journal

Journal(Path(sys.argv[1]), "m").claim(sys.argv[2], "generate", 0.1, 1.0, lambda entry: True)
print("claimed", flush=True)
time.sleep(600)
"""


def asking(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", ASKS, str(folder), KEY], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"claimed\n"
    return process


def test_a_killed_machine_is_noticed_and_a_living_one_is_waited_for(
    tmp_path: Path, database_url: str
) -> None:
    other = asking(tmp_path / "other")
    try:
        journal = Journal(tmp_path / "this", "m")
        with pytest.raises(HostedError, match="in_progress"):
            journal.find(KEY, patience=12)  # longer than it takes to believe a lock is gone
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    start = time.monotonic()
    entry = journal.find(KEY, patience=30)
    assert entry is not None
    assert entry.state == "asked"  # a lost reply: nobody may ask for it again unasked
    assert time.monotonic() - start < 5
    assert journal.claim(KEY, "generate", 0.1, 1.0, lambda entry: False) is False
    assert journal.spent() == pytest.approx(0.1)


def test_a_restarted_postgres_does_not_make_a_living_process_look_dead(
    tmp_path: Path, database_url: str, postgres: PostgresServer
) -> None:
    other = asking(tmp_path / "other")
    try:
        postgres.kill()
        time.sleep(2)
        postgres.start()
        with pytest.raises(HostedError, match="in_progress"):
            Journal(tmp_path / "this", "m").find(KEY, patience=14)
    finally:
        other.kill()
        other.wait()


def test_postgres_killed_while_images_are_asked_for_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, postgres: PostgresServer
) -> None:
    """It is killed while the provider draws, and is back after three seconds."""
    model = model_of("gemini", {"max_in_flight": 2})
    with provider(monkeypatch, "gemini") as fake:
        fake.hold = "drawn"
        run = machines(0, 12, tmp_path / "one", max_in_flight=2)
        assert fake.held.wait(60)
        postgres.kill()
        fake.hold = ""
        fake.release.set()
        time.sleep(3)
        postgres.start()
        out, err = run.communicate(timeout=120)
        assert json.loads(out or "null") == [None] * 12, err[-2000:]
        outcomes = backend_of(tmp_path / "two", model).generate(asked(model, 12))
        assert not any(outcome.failure for outcome in outcomes)
        assert list(fake.bills.values()) == [1] * 12


def test_bytes_that_came_while_postgres_was_away_are_had_by_a_plain_re_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, postgres: PostgresServer
) -> None:
    """The process ends as well, before the database is back."""
    model = model_of("gemini")
    with provider(monkeypatch, "gemini") as fake:
        fake.hold = "drawn"
        run = machines(0, 2, tmp_path, max_in_flight=1)
        assert fake.held.wait(60)
        postgres.kill()
        fake.hold = ""
        fake.release.set()
        deadline = time.monotonic() + 30
        while not list(tmp_path.rglob("replies/*/*")) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        postgres.start()
        outcomes = backend_of(tmp_path, model).generate(asked(model, 2))
        assert [outcome.failure for outcome in outcomes] == [None, None]
        assert list(fake.bills.values()) == [1, 1]


# ---- one journal, not two -----------------------------------------------------------------


def test_a_journal_in_a_file_is_moved_whole_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    model, paid = model_of("gemini"), tmp_path / ".imgassets/paid"
    monkeypatch.delenv("IMGASSETS_DATABASE")
    with provider(monkeypatch, "gemini") as fake:
        backend_of(tmp_path, model).generate(asked(model, 3))
        monkeypatch.setenv("IMGASSETS_DATABASE", database_url)
        with pytest.raises(BackendError, match="imgassets store move-journal"):
            backend_of(tmp_path, model)
        database = database_of()
        assert database is not None
        file = paid / "journal.sqlite"
        assert move(paid, database).entries == 3
        file.with_name("journal.sqlite.moved").rename(file)  # as if it had been killed just before
        move(paid, database)
        outcomes = backend_of(tmp_path / "other machine", model).generate(asked(model, 3))
        assert not any(outcome.failure for outcome in outcomes)
        assert sum(fake.posts.values()) == 3
    assert Journal(paid, "nano").spent() == pytest.approx(0.18)
    monkeypatch.delenv("IMGASSETS_DATABASE")
    with pytest.raises(BackendError, match=r"is in postgresql://127.0.0.1.*; set \$IMGASSETS"):
        Journal(paid, "nano")


def test_a_journal_is_not_moved_under_a_process_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.delenv("IMGASSETS_DATABASE")
    other = asking(tmp_path)
    monkeypatch.setenv("IMGASSETS_DATABASE", database_url)
    database = database_of()
    assert database is not None
    try:
        with pytest.raises(BackendError, match=f"process {other.pid} is asking"):
            move(tmp_path, database)
    finally:
        other.kill()
        other.wait()
    assert (tmp_path / "journal.sqlite").exists()
    assert move(tmp_path, database).entries == 1
