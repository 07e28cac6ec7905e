"""Every change of a flag: forward by gates, and back by anyone at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from imgassets.documents.rollout import Stage, percent_of, stage_name
from imgassets.rollout.entries import NO_STAGE, Entry, Event, at_words
from imgassets.rollout.flag_file import FlagFile
from imgassets.rollout.flags import with_flags
from imgassets.rollout.gates import Gate, refuse_closed
from imgassets.rollout.history import History, MovedOnError, Written
from imgassets.rollout.lock import LockedError, locked
from imgassets.rollout.record import Record, read_record
from imgassets.rollout.settle import refuse_tampered, settle
from imgassets.storage.rollout_files import RolloutFiles

#: Seconds a step waits for another process, and the way back, which then goes on without.
_PATIENCE, _PATIENCE_BACK = 30.0, 1.0
_LONGEST = 1000
_HELD = (
    "another process holds the flags, and they were written without it; end it, and look at "
    "`imgassets rollout status` then"
)


class ChangedMeanwhileError(RuntimeError):
    """Somebody else was faster; says who did what."""


class NoRolloutError(LookupError):
    """An endpoint has no rollout that this could be done to."""


@dataclass(frozen=True)
class Step:
    """One change: what, by whom, when and why.

    Attributes:
        endpoint: whose flag.
        by: who.
        now: when; a parameter, so that time can be simulated.
        reason: in words.
        verdict: fingerprint of the verdict it rests on; empty for steps that rest on none.
    """

    endpoint: str
    by: str
    now: datetime
    reason: str = ""
    verdict: str = ""

    def entry(self, event: Event, known: Entry) -> Entry:
        """The entry of the change, where all else is as in `known`."""
        by, reason = _writable(self.by), _writable(self.reason)
        told = {"event": event, "at": at_words(self.now), "by": by, "reason": reason}
        return known.model_copy(update={**told, "before": known.stage, "verdict": self.verdict})


@dataclass(frozen=True)
class Reverted:
    """What the way back did.

    Attributes:
        entry: that of the history; None where the incumbent had all users already.
        last: what was known of the endpoint before.
        notes: what could not be done besides, in words.
    """

    entry: Entry | None
    last: Entry
    notes: tuple[str, ...]


def settled(files: RolloutFiles, by: str, now: datetime) -> Record:
    """Flags and history, brought to agree where a process was cut off (`settle`)."""
    if not files.folder.is_dir():
        return read_record(files)
    with _alone(files):
        return settle(files, by, now)


def start(
    files: RolloutFiles,
    step: Step,
    models: tuple[str, str],
    stage: Stage,
    gates: Sequence[Gate],
    expected: Entry | None,
) -> Entry:
    """Begin a rollout at its first stage.

    Args:
        models: incumbent and candidate.
        stage: the first of the contract's.
        gates: of `gates.start_gates`.
        expected: the endpoint's last entry when the gates were looked at.

    Raises:
        GatesClosedError: one is closed.
        ChangedMeanwhileError: somebody changed the flag since.
        TamperedError: flags and history do not agree.
        NoRoomError: there is no room for the way back.
    """
    refuse_closed(gates)
    files.folder.mkdir(parents=True, exist_ok=True)
    incumbent, candidate = models
    known = _blank(step.endpoint, incumbent, candidate)
    entry = replace_stage(step.entry("start", known), stage)
    return _forward(files, step, entry, expected)


def promote(
    files: RolloutFiles, step: Step, stage: Stage, gates: Sequence[Gate], expected: Entry
) -> Entry:
    """Go on to the next stage. Arguments and errors as of `start`."""
    refuse_closed(gates)
    return _forward(files, step, replace_stage(step.entry("promote", expected), stage), expected)


def finish(files: RolloutFiles, step: Step, gates: Sequence[Gate], expected: Entry) -> Entry:
    """End the swap: the candidate becomes the incumbent, and the way back ends.

    Arguments and errors as of `start`.
    """
    refuse_closed(gates)
    swapped = {"incumbent": expected.candidate, "candidate": "", "stage": NO_STAGE, "percent": 0.0}
    entry = step.entry("finish", expected).model_copy(update=swapped)
    return _forward(files, step, entry, expected)


def unfreeze(files: RolloutFiles, step: Step) -> Entry:
    """Let a rollout go on. Raises NoRolloutError, and as `start`."""
    known = _running(settled(files, step.by, step.now), step.endpoint)
    if not known.frozen:
        return known
    entry = step.entry("unfreeze", known).model_copy(update={"frozen": False})
    return _forward(files, step, entry, known)


def freeze(files: RolloutFiles, step: Step) -> Entry:
    """Let no stage rise; users keep what they have. Harmless when done again.

    Raises:
        NoRolloutError: there is none.
        TamperedError: flags and history do not agree.
    """
    if not files.folder.is_dir():
        raise _none_of(read_record(files), step.endpoint)
    with _alone(files):
        record = settle(files, step.by, step.now)
        refuse_tampered(record)
        known = _running(record, step.endpoint)
        if known.frozen:
            return known
        frozen = step.entry("freeze", known).model_copy(update={"frozen": True})
        entry = record.following(frozen)
        FlagFile(files).write(with_flags(record.document, {step.endpoint: entry}))
        History(files.history).append([entry])
        return entry


def revert(files: RolloutFiles, step: Step) -> Reverted:
    """Give all users the incumbent, at once. Needs no contract, no model, no Dagster, no gate.

    It goes on where the history is damaged, where the flag was changed by hand, where the disk is
    full and where another process holds the flags and does not let go. Harmless when done again.

    Raises:
        NoRolloutError: nothing is known of the endpoint, or its swap is over.
        OSError: the flag cannot be written in any way.
    """
    if not files.folder.is_dir():
        raise _none_of(read_record(files), step.endpoint)
    with locked(files.folder, _PATIENCE_BACK) as held:
        notes = [] if held else [_HELD]
        record = _read_anyhow(files, step, held, notes)
        known = _best_known(record, step.endpoint)
        if not known.running and record.in_flag(step.endpoint) == known:
            return Reverted(None, _not_over(known), tuple(notes))
        back = {"stage": NO_STAGE, "percent": 0.0, "frozen": False}
        entry = record.following(step.entry("revert", known).model_copy(update=back))
        flags = {step.endpoint: entry}
        if record.flag_fault:  # written anew, with the flags of all endpoints
            flags = {e: last for e in record.endpoints if (last := record.last(e))} | flags
        FlagFile(files).write_back(with_flags(record.document, flags))
        _note_failure(lambda: History(files.history).append([*record.pending, entry]), notes)
        return Reverted(entry, known, tuple(notes))


def _writable(text: str) -> str:
    """Words from a command line, which may be bytes of no text, and no end of them."""
    sound = text.encode("utf-8", "replace").decode()
    return sound if len(sound) <= _LONGEST else sound[: _LONGEST - 1] + "…"


def replace_stage(entry: Entry, stage: Stage) -> Entry:
    """An entry at another stage."""
    return entry.model_copy(update={"stage": stage_name(stage), "percent": percent_of(stage)})


def _forward(files: RolloutFiles, step: Step, entry: Entry, expected: Entry | None) -> Entry:
    """Into the history first, then into the flag: what is cut off in between did not happen."""
    with _alone(files):
        record = settle(files, step.by, step.now)
        refuse_tampered(record)
        last = record.last(step.endpoint)
        if last != expected:
            raise ChangedMeanwhileError(_faster(step.endpoint, last))
        flag = FlagFile(files)
        flag.reserve()
        entry, before, history = record.following(entry), flag.state(), History(files.history)

        def check() -> None:
            """Somebody may have gone back without the lock, while this process was stopped."""
            if flag.state() != before or history.read().head != entry.hash:
                now = read_record(files).last(step.endpoint)
                raise ChangedMeanwhileError(_faster(step.endpoint, now))

        try:
            history.append([entry])
        except MovedOnError:
            check()
            raise
        flag.write(with_flags(record.document, {step.endpoint: entry}), check)
        return entry


@contextmanager
def _alone(files: RolloutFiles) -> Iterator[None]:
    with locked(files.folder, _PATIENCE) as held:
        if not held:
            raise LockedError(
                f"another process has held {files.folder} for {_PATIENCE:g} s; end it, or try again"
            )
        yield


def _read_anyhow(files: RolloutFiles, step: Step, held: bool, notes: list[str]) -> Record:
    """Flags and history for the way back, which no damage may stop."""
    if held:
        try:
            return settle(files, step.by, step.now)
        except OSError as error:
            notes.append(f"what a process left apart could not be settled: {error}")
    try:
        return read_record(files)
    except OSError as error:
        notes.append(f"the history cannot be read: {error}")
    nothing = Record(Written((), (), b"", 0), (), {}, "")
    with suppress(ValueError):
        return replace(nothing, document=FlagFile(files).read())
    return nothing


def _note_failure(write: Callable[[], None], notes: list[str]) -> None:
    try:
        write()
    except (OSError, MovedOnError) as error:
        notes.append(
            f"the history could not be written ({error}); the flag carries the line, and the next "
            "command adds it"
        )


def _best_known(record: Record, endpoint: str) -> Entry:
    """The newest that is known of an endpoint, by its flag or by the history."""
    known = [e for e in (record.in_flag(endpoint), record.last(endpoint)) if e is not None]
    if not known:
        raise _none_of(record, endpoint)
    return max(known, key=lambda entry: entry.number)


def _running(record: Record, endpoint: str) -> Entry:
    last = record.last(endpoint)
    if last is None or not last.running:
        raise _none_of(record, endpoint)
    return last


def _none_of(record: Record, endpoint: str) -> NoRolloutError:
    running = [e for e in record.endpoints if (last := record.last(e)) and last.running]
    others = f"running: {', '.join(running)}" if running else "none is running"
    return NoRolloutError(f"{endpoint} has no rollout ({others})")


def _not_over(known: Entry) -> Entry:
    if known.event == "finish":
        raise NoRolloutError(
            f"the swap of {known.endpoint} to {known.incumbent} was finished by {known.by} at "
            f"{known.at}; to go back, make the old model a candidate and start a rollout to it"
        )
    return known


def _blank(endpoint: str, incumbent: str, candidate: str) -> Entry:
    """What is known before anything was done."""
    return Entry(
        number=0,
        at="",
        by="",
        event="start",
        endpoint=endpoint,
        incumbent=incumbent,
        candidate=candidate,
        before=NO_STAGE,
        stage=NO_STAGE,
        percent=0.0,
        frozen=False,
        verdict="",
        reason="",
        previous="",
    )


def _faster(endpoint: str, last: Entry | None) -> str:
    told = f"{last.by} did {last.event} to {last.stage} at {last.at}" if last else "it is gone"
    return f"{endpoint} was changed meanwhile: {told}; look at it, and decide anew"
