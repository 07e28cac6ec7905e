"""What one piece of observed state is, and what a kind of it has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from imgassets.documents.project import Project


def _after_nothing(_: Project) -> Mapping[str, tuple[str, ...]]:
    return {}


def _nothing() -> None:
    """Most kinds need not remember what they were."""


@dataclass(frozen=True)
class ObservedState:
    """One thing that assets are made from and that no run makes, as it is now.

    Attributes:
        key: its asset's, such as `drift/ENDPOINT/MODEL`; assets that depend on it name this key.
        version: hash of what it means; whatever was made from another one is out of date.
        change: what changed since a version, in one line; given None where it was never observed.
        shown: what the UI shows of it, by label.
        remember: called when it is observed, to keep what a later `change` compares with.
    """

    key: str
    version: str
    change: Callable[[str | None], str]
    shown: Mapping[str, str | int]
    remember: Callable[[], None] = _nothing


@dataclass(frozen=True)
class ObservedKind:
    """One kind of observed state.

    Attributes:
        name: first part of its keys; of a state that follows from an endpoint's assets, the last.
        keys: what each of its keys stands for, by key; reads documents alone, since it is called
            whenever the graph is built.
        states: all of it as it is now, given the class of device images are made on (`cpu`, ...).
            What cannot be read at present is left out, unless leaving it out would hide a fault:
            then a ValueError tells it.
        after: keys of assets that a state follows from, by its own key; for the lineage alone.
    """

    name: str
    keys: Callable[[Project], Mapping[str, str]]
    states: Callable[[Project, str], Iterable[ObservedState]]
    after: Callable[[Project], Mapping[str, tuple[str, ...]]] = _after_nothing


def one_a_branch(
    name: str,
    what: str,
    key: Callable[[str, str], str],
    state: Callable[[Project, str, str], ObservedState],
) -> ObservedKind:
    """A kind that has one state for each endpoint and model, all of which stand for `what`."""
    return ObservedKind(
        name,
        lambda project: {key(*branch): what for branch in project.branches()},
        lambda project, _: (state(project, *branch) for branch in project.branches()),
    )
