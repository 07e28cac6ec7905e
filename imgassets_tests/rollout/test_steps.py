"""Steps forward and back, and what the history and the flag say after each."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from imgassets.rollout import steps
from imgassets.rollout.gates import Gate, GatesClosedError
from imgassets.rollout.lock import locked
from imgassets.rollout.record import read_record
from imgassets.rollout.verify import verify
from imgassets_tests.rollout.factories import (
    BEGIN,
    at,
    begin,
    files_in,
    go_on,
    open_gates,
    step,
)


def test_a_swap_from_shadow_to_the_end(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1, 10, 50, 100])
    last = at(files).last
    assert last is not None
    over = steps.finish(files, step(BEGIN + timedelta(days=30)), open_gates(), last)
    told = [(e.event, e.before, e.stage, e.percent) for e in read_record(files).entries]
    assert told == [
        ("start", "none", "shadow", 0.0),
        ("promote", "shadow", "1", 1.0),
        ("promote", "1", "10", 10.0),
        ("promote", "10", "50", 50.0),
        ("promote", "50", "100", 100.0),
        ("finish", "100", "none", 0.0),
    ]
    assert (over.incumbent, over.candidate) == ("fast", "")
    assert json.loads(files.flags.read_text())["flags"]["cards"]["variants"] == {
        "incumbent": "fast"
    }
    assert not verify(files).tampering


def test_a_closed_gate_refuses_and_names_every_closed_one(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    gates = [Gate("a", False, "x", "do y"), Gate("b", True, "ok"), Gate("c", False, "z", "wait")]
    with pytest.raises(GatesClosedError, match=r"2 of 3 gates.*\n.*a: x; do y\n.*c: z; wait"):
        steps.start(files, step(), ("prod", "fast"), "shadow", gates, None)
    assert not files.folder.exists()


@pytest.mark.parametrize("stages", [[], [1], [1, 10, 50, 100]])
def test_revert_gives_all_users_the_incumbent_and_again_changes_nothing(
    tmp_path: Path, stages: list[float]
) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, stages)
    done = steps.revert(files, step(reason="hands"))
    assert done.entry is not None
    assert not done.notes
    flag = json.loads(files.flags.read_text())["flags"]["cards"]
    assert "targeting" not in flag
    assert flag["variants"] == {"incumbent": "prod"}
    assert flag["metadata"]["reason"] == "hands"
    before = files.history.read_bytes(), files.flags.read_bytes()
    again = steps.revert(files, step(by="bob"))
    assert again.entry is None
    assert again.last == done.entry
    assert (files.history.read_bytes(), files.flags.read_bytes()) == before


def test_after_a_revert_a_new_rollout_may_begin(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1])
    steps.revert(files, step())
    begin(files, BEGIN + timedelta(days=9))
    assert at(files).since == BEGIN + timedelta(days=9)
    assert [e.event for e in read_record(files).entries][-2:] == ["revert", "start"]


def test_a_reason_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    done = steps.revert(files, step(reason="a\nb\x1b[31mred"))
    assert done.entry is not None
    assert done.entry.words.endswith(": a b [31mred")
    assert done.entry.reason == "a\nb\x1b[31mred"


def test_a_reason_that_is_no_text_or_has_no_end_stops_no_revert(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    done = steps.revert(files, step(reason="bad \udcff" + "x" * 100_000, by="J\udce9"))
    assert done.entry is not None
    assert not done.notes
    assert done.entry.by == "J?"
    assert len(done.entry.reason) == 1000
    assert not verify(files).tampering


def test_revert_works_while_frozen_and_ends_the_freeze(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1])
    steps.freeze(files, step(reason="odd"))
    assert steps.freeze(files, step(by="bob")).by == "ada"  # harmless
    steps.revert(files, step())
    last = at(files).last
    assert last is not None
    assert (last.frozen, last.stage) == (False, "none")


def test_freeze_and_unfreeze_move_no_user_and_keep_the_stages_begin(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1])
    since = at(files).since
    frozen = steps.freeze(files, step(BEGIN + timedelta(days=5)))
    free = steps.unfreeze(files, step(BEGIN + timedelta(days=6)))
    assert frozen.traffic() == free.traffic()
    assert (frozen.frozen, free.frozen) == (True, False)
    assert at(files).since == since == BEGIN + timedelta(days=1)


def test_the_slower_of_two_is_told_who_was_faster(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    seen = begin(files)
    steps.promote(files, step(by="bob"), 1, open_gates(), seen)
    with pytest.raises(steps.ChangedMeanwhileError, match="bob did promote to 1"):
        steps.promote(files, step(by="ada"), 1, open_gates(), seen)
    assert len(read_record(files).entries) == 2


def test_endpoints_share_a_file_and_nothing_else(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.folder.mkdir()
    foreign = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    files.flags.write_text(json.dumps({"flags": {"new-menu": foreign}, "metadata": {"team": "x"}}))
    begin(files)
    begin(files, of="banner")
    go_on(files, [1])
    steps.revert(files, step(of="banner"))
    document = json.loads(files.flags.read_text())
    assert document["flags"]["new-menu"] == foreign
    assert document["metadata"] == {"team": "x"}
    assert document["flags"]["cards"]["metadata"]["percent"] == 1.0
    assert document["flags"]["banner"]["metadata"]["event"] == "revert"
    assert not verify(files).tampering


def test_what_has_no_rollout_is_told_so(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    for act in (steps.revert, steps.freeze, steps.unfreeze):
        with pytest.raises(steps.NoRolloutError, match=r"cards has no rollout \(none is running\)"):
            act(files, step())
    begin(files)
    with pytest.raises(steps.NoRolloutError, match=r"other has no rollout \(running: cards\)"):
        steps.revert(files, step(of="other"))


def test_a_finished_swap_is_no_silent_revert(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    last = go_on(files, [100])
    steps.finish(files, step(), open_gates(), last)
    with pytest.raises(steps.NoRolloutError, match="make the old model a candidate"):
        steps.revert(files, step())


def test_every_write_has_a_later_time_whatever_the_clock_says(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    ahead = time.time_ns() + 3600 * 10**9
    os.utime(files.flags, ns=(ahead, ahead))
    go_on(files, [1])
    first = files.flags.stat().st_mtime_ns
    steps.revert(files, step())
    assert ahead < first < files.flags.stat().st_mtime_ns


def test_the_way_back_does_not_wait_for_a_process_that_hangs(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [50])
    with locked(files.folder, 0) as held:
        assert held
        begun = time.monotonic()
        done = steps.revert(files, step())
    assert time.monotonic() - begun < 1.8
    assert done.notes
    assert "another process holds the flags" in done.notes[0]
    assert at(files).last == done.entry
    assert not verify(files).tampering


def test_whoever_could_write_the_flags_still_can(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    files.flags.chmod(0o666)
    go_on(files, [1])
    assert files.flags.stat().st_mode & 0o777 == 0o666
    assert files.reserve.stat().st_size >= 16 * 1024
    assert sorted(p.name for p in files.folder.iterdir()) == [
        ".reserve", "flags.json", "history.jsonl",
    ]  # fmt: skip
