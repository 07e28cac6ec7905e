"""The flag of each endpoint with a rollout, as applications see it now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.base import fingerprint
from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Project
from imgassets.refresh.observed.state import ObservedKind, ObservedState
from imgassets.rollout.record import Record, read_record
from imgassets.rollout.settle import tampering
from imgassets.storage.rollout_files import rollout_files

RELEASE_GATE = "release_gate"


def rollout_key(endpoint: str) -> str:
    """Key of an endpoint's flag."""
    return f"{endpoint}/rollout"


def _rolled_out(project: Project) -> list[Endpoint]:
    return [e for e in project.usable_endpoints() if e.rollout is not None]


def _keys(project: Project) -> Mapping[str, str]:
    return {
        rollout_key(e.endpoint): "Which users get which model now: the flag in rollout/flags.json, "
        "and the history of its changes."
        for e in _rolled_out(project)
    }


def _after(project: Project) -> Mapping[str, tuple[str, ...]]:
    """A flag follows the gates of all candidates: so a percent leads back to the prompts."""
    return {
        rollout_key(e.endpoint): tuple(f"{e.endpoint}/{m}/{RELEASE_GATE}" for m in e.candidates)
        for e in _rolled_out(project)
    }


def _states(project: Project, _: str) -> Iterator[ObservedState]:
    record = read_record(rollout_files(project.root))
    wrong = "; ".join(tampering(record))
    for endpoint in _rolled_out(project):
        yield _state(record, endpoint, wrong)


def _state(record: Record, endpoint: Endpoint, wrong: str) -> ObservedState:
    name = endpoint.endpoint
    last = record.last(name)
    told = f"{last.event}: stage {last.before} -> {last.stage}" if last else "nothing rolled out"
    shown: dict[str, str | int] = {
        "stage": last.stage if last else "none",
        "percent": f"{last.percent:g}" if last else "0",
        "incumbent": last.incumbent if last else endpoint.incumbent,
        "candidate": last.candidate if last else "",
        "frozen": "yes" if last and last.frozen else "no",
        "by": last.by if last else "",
        "reason": last.reason if last else "",
        "history": "\n".join(entry.words for entry in record.of(name)) or "empty",
        "changed_by_hand": wrong or "nothing",
    }
    version = fingerprint([last.hash if last else "", wrong])
    return ObservedState(rollout_key(name), version, lambda _: told, shown)


ROLLOUT = ObservedKind("rollout", _keys, _states, _after)
