"""Images in object storage: one winner, whole whatever is killed, few requests, clear messages."""

from __future__ import annotations

import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.storage import maintenance
from imgassets.storage.entries import StoreError
from imgassets.storage.image_store import CorruptEntryError, ImageStore, store_of
from imgassets.storage.object_place import place_at
from imgassets.storage.project_home import ProjectHome
from imgassets_tests.counting_proxy import CountingProxy
from imgassets_tests.s3_servers import (
    BUCKET,
    READER,
    READER_SECRET,
    SECRET,
    S3Server,
    free_ports,
    on_a_server,
    seaweedfs,
)
from imgassets_tests.storage.putting import key_of, put

Machine = Callable[[str], ImageStore]
SERVERS = ["file", on_a_server("seaweedfs"), on_a_server("moto")]


@pytest.fixture
def machine(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place_url: Callable[[str], str],
) -> Machine:
    """The store as a machine with a home of that name sees it."""
    monkeypatch.setenv("IMGASSETS_STORE", place_url(request.param))
    return lambda name: store_of(ProjectHome(tmp_path / name))


def putting(folder: Path, first: int, count: int, level: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "imgassets_tests.storage.putting", str(folder)]
    numbers = [str(n) for n in (first, count, level)]
    return subprocess.Popen([*command, *numbers], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("machine", SERVERS, indirect=True)
def test_of_six_processes_one_wins_and_all_read_what_it_wrote(
    machine: Machine, tmp_path: Path
) -> None:
    writers = [putting(tmp_path / f"m{n}", 0, 20, level=n) for n in range(6)]
    told = [writer.communicate()[0].split() for writer in writers]
    assert [len(one) for one in told] == [20] * 6
    assert all(len(set(hashes)) == 1 for hashes in zip(*told, strict=True))
    assert maintenance.verify(machine("other")).harmed == ()
    assert sorted(machine("other").keys()) == [key_of(n) for n in range(20)]


@pytest.mark.parametrize("machine", SERVERS, indirect=True)
def test_what_is_there_is_whole_when_writers_are_killed(machine: Machine, tmp_path: Path) -> None:
    chance = random.Random(7)
    for turn in range(5):
        writer = putting(tmp_path / "killed", turn * 10_000, 10_000, level=-1)
        assert writer.stdout is not None
        writer.stdout.readline()  # it has begun
        time.sleep(chance.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    store = machine("other")
    found = maintenance.verify(store)
    assert found.images >= 5
    assert found.harmed == ()
    put(store, 0, 0)
    assert store.intact(key_of(0))


def verified(store: ImageStore, seconds: float = 60.0) -> maintenance.Verified:
    """As soon as the server has found its volumes again; until then it answers with errors."""
    until = time.monotonic() + seconds
    while True:
        try:
            return maintenance.verify(store)
        except StoreError:
            if time.monotonic() > until:
                raise
            time.sleep(1)


@pytest.mark.cluster
def test_a_server_that_was_killed_goes_on_with_what_was_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGASSETS_STORE", f"s3://{BUCKET}/killed")
    with seaweedfs(tmp_path / "server") as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        writer = putting(tmp_path / "one", 0, 10_000, level=-1)
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(20)]
        server.process.kill()
        told += writer.communicate()[0].split()
        assert writer.returncode == 1
    with seaweedfs(tmp_path / "server") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        place_at.cache_clear()
        store = store_of(ProjectHome(tmp_path / "two"))
        assert verified(store).harmed == ()
        again = [put(store, number, number) for number in range(len(told) + 5)]
        assert again[: len(told)] == told
    place_at.cache_clear()


@pytest.mark.parametrize("machine", SERVERS, indirect=True)
def test_machines_see_what_others_put_harm_and_delete(machine: Machine, tmp_path: Path) -> None:
    one, two = machine("one"), machine("two")
    assert one.seem_intact([key_of(1)]) == set()
    hashes = [put(one, n, n) for n in range(3)]
    keys = [key_of(n) for n in range(3)]
    assert two.seem_intact(keys) == one.seem_intact(keys) == set(keys)
    place = two.entries.place  # type: ignore[attr-defined]
    place.write(f"blobs/{hashes[1][:2]}/{hashes[1]}.png", b"harmed")
    with pytest.raises(CorruptEntryError):
        two.read_bytes(keys[1])
    assert one.seem_intact(keys) == {keys[0], keys[2]}, "one is told that two took it out"
    assert maintenance.verify(one).quarantined == (keys[1],)
    put(one, 1, 77)
    assert two.read_bytes(keys[1]) == one.read_bytes(keys[1])
    nothing = ProjectHome(tmp_path / "one")
    assert maintenance.garbage(one, nothing).images == ()
    maintenance.delete(one, maintenance.garbage(one, nothing, older_than=-60))
    assert two.seem_intact(keys) == set()
    assert list(place.listed("blobs/")) == list(place.listed("records/")) == []


@pytest.mark.parametrize("machine", ["file"], indirect=True)
def test_a_process_is_handed_the_store(machine: Machine) -> None:
    store = machine("one")
    put(store, 1, 1)
    handed = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
    assert handed.read_bytes(key_of(1)) == store.read_bytes(key_of(1))
    assert handed.seem_intact([key_of(1), key_of(2)]) == {key_of(1)}


@pytest.mark.parametrize("machine", ["file"], indirect=True)
def test_the_commands_work_on_it(
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / "one"))
    sha256 = put(machine("one"), 1, 1)
    assert main(["store", "stats"]) == 0
    assert "1 image(s), 0.0 MiB: 1 generate" in capsys.readouterr().out
    (tmp_path / "place" / "blobs" / sha256[:2] / f"{sha256}.png").write_bytes(b"harmed")
    assert main(["store", "verify"]) == 1
    assert f"quarantine: 1 image(s)\n  {key_of(1)}" in capsys.readouterr().out
    assert main(["store", "gc", "--older-than", "-1"]) == 0
    assert capsys.readouterr().out.startswith("0 image(s) deleted, 0.0 MiB; 1 unfinished write(s)")


@pytest.mark.cluster
@pytest.mark.parametrize("machine", ["seaweedfs"], indirect=True)
def test_a_look_at_known_images_is_one_request(
    machine: Machine, seaweedfs_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = [key_of(n) for n in range(60)]
    for n in range(60):
        put(machine("one"), n, n)
    with CountingProxy(seaweedfs_server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        place_at.cache_clear()
        one, two = machine("one"), machine("two")
        assert one.seem_intact(keys) == set(keys)
        assert [line.split()[0] for line in proxy.requests] == ["GET"]
        assert two.seem_intact(keys) == set(keys)
        assert len(proxy.requests) == 3, "another machine lists all once"
        assert two.seem_intact(keys) == set(keys)
        assert len(proxy.requests) == 4
        two.fetch_images(keys)
        assert len(proxy.requests) == 4 + 2 * len(keys)
        assert all(two.read_bytes(key) for key in keys)
        assert len(proxy.requests) == 4 + 2 * len(keys), "read from the cache"


@pytest.mark.cluster
@pytest.mark.parametrize("machine", ["moto"], indirect=True)
def test_a_server_that_lets_all_win_is_refused(
    machine: Machine, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(data: bytes) -> bytes:
        return data.replace(b"if-none-match:", b"if-nothing-is:")

    with CountingProxy(moto_server.port, deaf) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        place_at.cache_clear()
        with pytest.raises(StoreError, match="7 of 7 writers were told that they had created"):
            put(machine("one"), 1, 1)
    place_at.cache_clear()


@pytest.mark.cluster
@pytest.mark.parametrize("machine", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"IMGASSETS_STORE": "s3://no-such-bucket/a"}, "there is no bucket s3://no-such-bucket"),
        ({"AWS_SECRET_ACCESS_KEY": "not-the-SECRET-at-all"}, "credentials are refused"),
        (
            {"AWS_ACCESS_KEY_ID": READER, "AWS_SECRET_ACCESS_KEY": READER_SECRET},
            "or may not do this",
        ),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:{free}"}, "the server cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_without_a_secret(
    machine: Machine, variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{free}", str(free_ports(1)[0])))
    place_at.cache_clear()
    with pytest.raises(StoreError, match=said) as raised:
        put(machine("one"), 1, 1)
    place_at.cache_clear()
    shown = str(raised.value) + repr(raised.value)
    for secret in (SECRET, READER_SECRET, variables.get("AWS_SECRET_ACCESS_KEY", SECRET)):
        assert secret not in shown
    assert BUCKET in shown or "no-such-bucket" in shown
