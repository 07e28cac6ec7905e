"""SIGKILL at every system call of every step: flag and history can always be brought to agree."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imgassets.rollout import history, steps
from imgassets.rollout.entries import Entry
from imgassets.rollout.history import History
from imgassets.rollout.record import read_record
from imgassets.rollout.settle import tampering
from imgassets.rollout.verify import verify
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.cut_off import killed_at, stopped_at
from imgassets_tests.rollout.factories import at, begin, files_in, go_on, open_gates, step

Act = Callable[[RolloutFiles], object]


def _last(files: RolloutFiles) -> Entry:
    last = at(files).last
    assert last is not None
    return last


def _start(files: RolloutFiles) -> object:
    return begin(files)


def _promote(files: RolloutFiles) -> object:
    return steps.promote(files, step(by="bob"), 10, open_gates(), _last(files))


def _finish(files: RolloutFiles) -> object:
    return steps.finish(files, step(by="bob"), open_gates(), _last(files))


def _revert(files: RolloutFiles) -> object:
    return steps.revert(files, step(by="bob", reason="hands"))


def _freeze(files: RolloutFiles) -> object:
    return steps.freeze(files, step(by="bob", reason="wait"))


def _unfreeze(files: RolloutFiles) -> object:
    return steps.unfreeze(files, step(by="bob"))


def _at_one(files: RolloutFiles) -> None:
    begin(files, of="banner")
    begin(files)
    go_on(files, [1])


def _frozen(files: RolloutFiles) -> None:
    _at_one(files)
    steps.freeze(files, step())


def _elsewhere(files: RolloutFiles) -> None:
    begin(files, of="banner")


def _nothing(files: RolloutFiles) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "act"),
    [
        (_nothing, _start),
        (_elsewhere, _start),
        (_at_one, _promote),
        (_at_one, _finish),
        (_at_one, _revert),
        (_at_one, _freeze),
        (_frozen, _unfreeze),
        (_frozen, _revert),
    ],
    ids=["first-start", "start", "promote", "finish", "revert", "freeze", "unfreeze", "unfrozen"],
)
def test_a_step_that_is_killed_happened_or_did_not(tmp_path: Path, prepare: Act, act: Act) -> None:
    made = files_in(tmp_path / "made")
    made.folder.parent.mkdir()
    prepare(made)
    before = at(made).last
    kills = 0
    for nth in range(1, 200):
        files = files_in(tmp_path / str(nth))
        if made.folder.exists():
            shutil.copytree(made.folder, files.folder)
        if not killed_at(lambda files=files: act(files), nth):  # type: ignore[misc]
            break
        kills += 1
        _holds(files, before, back=act is _revert)
    assert kills >= 8
    assert at(files).last != before


def _holds(files: RolloutFiles, before: Entry | None, back: bool) -> None:
    """What applications see is the state before or after, and stays as it is when settled."""
    seen = read_record(files)
    assert not verify(files).tampering
    flag = seen.in_flag("cards")
    settled = steps.settled(files, "eve", step().now)
    last = settled.last("cards")
    assert settled.in_flag("cards") == last
    found = verify(files)
    assert (found.tampering, found.unsettled) == ((), ())
    if flag is not None:
        assert last is not None
        assert flag.traffic() == last.traffic()
        assert settled.written.entries[: len(seen.written.entries)] == seen.written.entries
    if back and flag != before:
        told = [(e.by, e.reason) for e in settled.entries if e.event == "revert"]
        assert told == [("bob", "hands")]
    # And nothing stands in the way of going on.
    if last is not None and last.running:
        assert steps.revert(files, step()).entry is not None
    else:
        begin(files)
    assert not verify(files).tampering


def test_a_stopped_promotion_that_wakes_up_undoes_no_revert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But where it stops between its last look and the replacing itself; then `status` tells."""
    monkeypatch.setattr(steps, "_PATIENCE_BACK", 0.1)
    monkeypatch.setattr(history, "_PATIENCE", 0.1)
    made = files_in(tmp_path / "made")
    made.folder.parent.mkdir()
    _at_one(made)
    told = []
    for nth in range(1, 100):
        files = files_in(tmp_path / str(nth))
        shutil.copytree(made.folder, files.folder)
        with stopped_at(lambda files=files: _promote(files), nth) as stopped:  # type: ignore[misc]
            if not stopped:
                break
            assert steps.revert(files, step(by="eve")).entry is not None
        flag = read_record(files).in_flag("cards")
        assert flag is not None
        told.append((flag.stage, bool(list(tampering(read_record(files))))))
        if flag.stage == "none":
            settled = steps.settled(files, "eve", step().now)
            assert [e.event for e in settled.entries].count("revert") == 1
            found = verify(files)
            assert (found.tampering, found.unsettled) == ((), ())
    assert len(told) > 10
    assert told.count(("none", False)) >= len(told) - 1
    assert set(told) <= {("none", False), ("10", True)}


def test_a_torn_line_is_told_and_nothing_before_it_is_lost(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    _at_one(files)
    whole = read_record(files).entries
    with files.history.open("ab") as torn:
        torn.write(b'{"number":4,"at":"2026-11-02","by":"bob","event":"promote","endpoint":"cards"')
    assert "a line was cut off" in verify(files).unsettled[0]
    entries = steps.settled(files, "eve", step().now).entries
    assert entries[:-1] == whole
    assert entries[-1].event == "repair"
    assert '"by":"bob"' in entries[-1].reason
    assert entries[-1].traffic() == whole[-1].traffic()


def test_a_last_line_that_lacks_its_end_alone_is_completed(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    _at_one(files)
    whole = files.history.read_bytes()
    files.history.write_bytes(whole[:-1])
    steps.settled(files, "eve", step().now)
    assert files.history.read_bytes() == whole


def test_a_promotion_that_never_reached_the_flag_is_told(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    _at_one(files)
    since = at(files).since
    record = read_record(files)
    cut = record.following(_last(files).model_copy(update={"event": "promote", "stage": "10"}))
    History(files.history).append([cut])
    assert "in the history and not in the flag" in verify(files).unsettled[0]
    last = steps.settled(files, "eve", step().now).last("cards")
    assert last is not None
    assert (last.event, last.before, last.stage, last.by) == ("repair", "10", "1", "eve")
    assert last.reason == "promote to 10 by ada was cut off before the flag was written"
    assert at(files).since == since
