"""Seeds added beside the contracts', one state a branch; none added has a version as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.project import Project
from imgassets.refresh.extra_seeds import ExtraSeeds
from imgassets.refresh.observed.state import ObservedKind, ObservedState, branches


def extra_seeds_key(endpoint: str, model: str) -> str:
    """Key of the seeds added to a branch."""
    return f"extra_seeds/{endpoint}/{model}"


def _keys(project: Project) -> Mapping[str, str]:
    what = "Seeds beside the contract's, added by `imgassets validate --add-seeds`."
    return {extra_seeds_key(*branch): what for branch in branches(project)}


def _states(project: Project) -> Iterator[ObservedState]:
    added = ExtraSeeds.of(project.root)
    for branch in branches(project):
        yield _state(added, *branch)


def _state(added: ExtraSeeds, endpoint: str, model: str) -> ObservedState:
    words = added.words(endpoint, model)
    return ObservedState(
        extra_seeds_key(endpoint, model),
        added.version(endpoint, model),
        change=lambda _: words,
        shown={"added": words},
    )


EXTRA_SEEDS = ObservedKind("extra_seeds", _keys, _states)
