"""Changes that no command made are found, and never stand in the way of a revert."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgassets.rollout import steps
from imgassets.rollout.entries import Entry
from imgassets.rollout.flag_file import NoRoomError
from imgassets.rollout.record import read_record
from imgassets.rollout.settle import TamperedError
from imgassets.rollout.verify import verify
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.factories import at, begin, files_in, go_on, open_gates, step

Lines = list[bytes]


def _files(folder: Path) -> RolloutFiles:
    """Two endpoints; cards is at 50 %."""
    files = files_in(folder)
    begin(files)
    begin(files, of="banner")
    go_on(files, [1, 10, 50])
    return files


def _changed(lines: Lines) -> Lines:
    return [lines[0].replace(b'"by":"ada"', b'"by":"eve"'), *lines[1:]]


def _resealed(lines: Lines) -> Lines:
    entry = Entry.model_validate_json(lines[2]).model_copy(update={"percent": 2.0}).sealed()
    return [*lines[:2], entry.model_dump_json().encode(), *lines[3:]]


@pytest.mark.parametrize(
    "change",
    [
        _changed,
        _resealed,
        lambda lines: lines[1:],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: lines[:-1],
        lambda lines: lines[:-2],
        lambda lines: [],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines[:-2], lines[-1], lines[-2]],
        lambda lines: [lines[0], *lines],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:2], b"{}", *lines[2:]],
        lambda lines: [*lines[:2], b"", *lines[2:]],
        lambda lines: [*lines[:2], lines[2][:-3], *lines[3:]],
    ],
    ids=[
        "changed", "changed and hashed anew", "first dropped", "dropped", "last dropped",
        "last two dropped", "all dropped", "reordered", "last reordered", "doubled",
        "last doubled", "inserted", "empty line", "cut",
    ],
)  # fmt: skip
def test_every_change_of_the_history_is_found(
    tmp_path: Path, change: Callable[[Lines], Lines]
) -> None:
    files = _files(tmp_path)
    assert verify(files).entries == 5
    lines = files.history.read_bytes().splitlines()
    files.history.write_bytes(b"".join(line + b"\n" for line in change(lines)))
    found = verify(files)
    assert found.tampering or found.unsettled
    done = steps.revert(files, step())
    assert done.entry is not None
    assert done.entry.stage == "none"


def test_a_dropped_last_line_is_put_back_from_the_flag(tmp_path: Path) -> None:
    files = _files(tmp_path)
    whole = files.history.read_bytes()
    files.history.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert "cut off, or the line was deleted" in verify(files).unsettled[0]
    steps.settled(files, "bob", step().now)
    assert files.history.read_bytes() == whole


def test_all_written_anew_is_found_by_a_hash_that_was_noted(tmp_path: Path) -> None:
    files = _files(tmp_path)
    noted = verify(files).head
    go_on(files, [100])
    assert not verify(files, head=noted).tampering
    files.flags.unlink()
    files.history.unlink()
    begin(files)
    assert not verify(files).tampering
    assert "written anew" in verify(files, head=noted).tampering[0]


def _edited(flags: dict[str, object]) -> None:
    flags["cards"]["targeting"]["if"][0]["<"][1] = 9999  # type: ignore[index]


def _gone(flags: dict[str, object]) -> None:
    del flags["cards"]


def _swapped(flags: dict[str, object]) -> None:
    flags["banner"], flags["cards"] = flags["cards"], flags["banner"]


@pytest.mark.parametrize(
    ("change", "told"),
    [(_edited, "changed by hand"), (_gone, "the flag is gone"), (_swapped, "that of cards")],
)
def test_every_change_of_the_flags_is_found_and_stops_steps_forward(
    tmp_path: Path, change: Callable[[dict[str, object]], None], told: str
) -> None:
    files = _files(tmp_path)
    document = json.loads(files.flags.read_text())
    change(document["flags"])
    files.flags.write_text(json.dumps(document))
    assert any(told in fault for fault in verify(files).tampering)
    last = at(files).last
    assert last is not None
    with pytest.raises(TamperedError, match=told):
        steps.promote(files, step(), 100, open_gates(), last)
    steps.revert(files, step())
    assert json.loads(files.flags.read_text())["flags"]["cards"]["variants"] == {
        "incumbent": "prod"
    }
    assert not [fault for fault in verify(files).tampering if "cards:" in fault]


def test_an_old_file_of_flags_is_no_cut_off_step(tmp_path: Path) -> None:
    files = _files(tmp_path)
    at_half = files.flags.read_bytes()
    steps.revert(files, step())
    files.flags.write_bytes(at_half)  # from a backup: half of all users get the candidate
    assert "an old file was put back" in verify(files).tampering[0]
    steps.settled(files, "bob", step().now)
    assert files.flags.read_bytes() == at_half
    assert steps.revert(files, step()).entry is not None
    assert not verify(files).tampering


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"flags": 3}', b"\xff\xfe", b'{"flags": {}}']
)
def test_a_broken_file_of_flags_is_written_anew_with_all_flags(
    tmp_path: Path, content: bytes
) -> None:
    files = _files(tmp_path)
    files.flags.write_bytes(content)
    assert verify(files).tampering
    steps.revert(files, step())
    flags = json.loads(files.flags.read_text())["flags"]
    assert flags["cards"]["metadata"]["stage"] == "none"
    if b"{}" not in content:
        assert flags["banner"]["metadata"]["stage"] == "shadow"
        assert not verify(files).tampering


@pytest.mark.parametrize("damage", [b"garbage\n", b"\x00" * 900, b"{}\n" * 3])
def test_revert_needs_no_history(tmp_path: Path, damage: bytes) -> None:
    files = _files(tmp_path)
    files.history.write_bytes(damage)
    done = steps.revert(files, step(reason="now"))
    assert done.entry is not None
    assert read_record(files).in_flag("cards") == done.entry


def test_what_is_known_of_neither_file_is_told(tmp_path: Path) -> None:
    files = _files(tmp_path)
    files.history.write_bytes(b"")
    files.flags.write_bytes(b"")
    with pytest.raises(steps.NoRolloutError):
        steps.revert(files, step())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 128 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small filesystem needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _fill(folder: Path) -> None:
    with (folder / "full").open("wb", buffering=0) as full:
        try:
            while True:
                full.write(b"x" * 512)
        except OSError:
            pass


def test_a_full_disk_stops_steps_forward_and_not_the_way_back(small_disk: Path) -> None:
    files = _files(small_disk)
    _fill(small_disk)
    before = files.flags.read_bytes()
    last = at(files).last
    assert last is not None
    with pytest.raises(OSError, match="No space left"):
        steps.promote(files, step(), 100, open_gates(), last)
    assert files.flags.read_bytes() == before
    done = steps.revert(files, step(reason="full"))
    assert done.entry is not None
    assert read_record(files).in_flag("cards") == done.entry
    assert steps.revert(files, step(of="banner")).entry is not None
    (small_disk / "full").unlink()
    settled = steps.settled(files, "bob", step().now)
    assert [e.endpoint for e in settled.written.entries if e.event == "revert"] == [
        "cards", "banner",
    ]  # fmt: skip
    found = verify(files)
    assert (found.tampering, found.unsettled) == ((), ())


def test_no_rollout_begins_without_room_for_the_way_back(small_disk: Path) -> None:
    (small_disk / "rollout").mkdir()
    with (small_disk / "most").open("wb") as most:
        most.write(b"x" * (128 * 1024 - 3 * 4096))
    with pytest.raises(NoRoomError, match="no room for the 16 KiB that the way back needs"):
        begin(files_in(small_disk))
    assert not files_in(small_disk).flags.exists()


def test_whoever_may_write_the_file_alone_can_revert() -> None:
    """The folder and the history are another user's; the file of flags is everybody's."""
    if os.getuid():
        pytest.skip("becoming another user needs root")
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # pytest's own folders are closed to others
        files = _files(Path(place))
        files.flags.chmod(0o666)
        told = _as_nobody(files)
        flag = read_record(files).in_flag("cards")
        assert flag is not None
        assert (flag.event, flag.by) == ("revert", "nobody")
        assert "history could not be written" in told
        settled = steps.settled(files, "bob", step().now)
        assert settled.written.entries[-1] == flag


def _as_nobody(files: RolloutFiles) -> str:
    """Revert in a fork that gave up being root; returns the notes."""
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgid(65534)
            os.setuid(65534)
            done = steps.revert(files, step(by="nobody"))
            os.write(writable, " ".join(done.notes).encode())
        except BaseException as error:
            os.write(writable, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writable)
    os.waitpid(child, 0)
    with os.fdopen(readable, "rb") as told:
        return told.read().decode()
