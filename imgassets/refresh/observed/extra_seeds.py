"""Seeds added beside the contracts', one state a branch; none added has a version as well."""

from __future__ import annotations

from imgassets.documents.project import Project
from imgassets.refresh.extra_seeds import ExtraSeeds
from imgassets.refresh.observed.state import ObservedState, one_a_branch


def extra_seeds_key(endpoint: str, model: str) -> str:
    """Key of the seeds added to a branch."""
    return f"extra_seeds/{endpoint}/{model}"


def _state(project: Project, endpoint: str, model: str) -> ObservedState:
    added = ExtraSeeds.of(project.root)
    words = added.words(endpoint, model)
    return ObservedState(
        extra_seeds_key(endpoint, model),
        added.version(endpoint, model),
        change=lambda _: words,
        shown={"added": words},
    )


EXTRA_SEEDS = one_a_branch(
    "extra_seeds",
    "Seeds beside the contract's, added by `imgassets validate --add-seeds`.",
    extra_seeds_key,
    _state,
)
