"""More data where a verdict is INCONCLUSIVE: seeds added to a branch, beside the contract.

Nobody's YAML is edited. What `imgassets validate --add-seeds` adds is a small file under
`HOME/more`, which requests are built with, verdicts tell of, and `imgassets validate --drop-seeds`
takes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from imgassets.documents.base import fingerprint
from imgassets.documents.project import Project
from imgassets.documents.seeds import MOST, MOST_HOSTED, noise_of
from imgassets.requests import Request, build_requests
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of
from imgassets.storage.whole_file import write_whole

if TYPE_CHECKING:  # a plan needs no statistics
    from imgassets.decision.verdict import Verdict


@dataclass(frozen=True)
class ExtraSeeds:
    """Seeds added to branches; a missing file means none."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> ExtraSeeds:
        """Those of a project."""
        return cls(home_of(root).extra_seeds)

    def path(self, endpoint: str, model: str) -> Path:
        """Where a branch's added seeds are kept."""
        return self.folder / endpoint / f"{model}.json"

    def read(self, endpoint: str, model: str) -> tuple[int, ...]:
        """Seeds added to a branch.

        Raises:
            ValueError: the file was damaged; names it and the fix.
        """
        path = self.path(endpoint, model)
        if not path.exists():
            return ()
        try:
            return tuple(
                int(seed) for seed in json.loads(path.read_text(encoding="utf-8"))["seeds"]
            )
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is damaged; run `imgassets validate --drop-seeds`") from error

    def version(self, endpoint: str, model: str) -> str:
        """Hash of a branch's added seeds; none has one as well."""
        return fingerprint(list(self.read(endpoint, model)))

    def words(self, endpoint: str, model: str) -> str:
        """What was added, for plans and reports."""
        seeds = self.read(endpoint, model)
        listed = ", ".join(map(str, seeds))
        if not seeds:
            return "no seeds added any more"
        return f"seeds {listed} added by `validate --add-seeds`"

    def write(self, endpoint: str, model: str, seeds: Sequence[int]) -> None:
        """Replace what was added to a branch, whole or not at all."""
        write_whole(self.path(endpoint, model), json.dumps({"seeds": list(seeds)}))

    def forget(self, endpoint: str, model: str) -> None:
        """Back to the contract's own seeds; images made stay in the store."""
        self.path(endpoint, model).unlink(missing_ok=True)


def requests_of(project: Project, endpoint: str, model: str, device: str) -> list[Request]:
    """The requests of a branch: those of its contract, and those for seeds added to it."""
    added = ExtraSeeds.of(project.root).read(endpoint, model)
    return build_requests(project, endpoint, model, device, added)


def take_back(project: Project, branches: Iterable[tuple[str, str]]) -> None:
    """Back to the contracts' own seeds, for (endpoint, model) pairs and their incumbents."""
    added = ExtraSeeds.of(project.root)
    for endpoint, model in branches:
        added.forget(endpoint, model)
        added.forget(endpoint, project.endpoint(endpoint).incumbent)


def extend(project: Project, verdicts: Sequence[Verdict]) -> list[str]:
    """Add the seeds that INCONCLUSIVE verdicts ask for, to their branches and incumbents.

    Returns:
        What was done, or why nothing could be, one line a verdict that is INCONCLUSIVE.
    """
    added = ExtraSeeds.of(project.root)
    return [_extend(project, added, v) for v in verdicts if v.verdict == "INCONCLUSIVE"]


def why_not(project: Project, verdict: Verdict) -> str:
    """Why further seeds would not settle an INCONCLUSIVE verdict; empty where they would."""
    return _proposed(project, ExtraSeeds.of(project.root), verdict).why


def images_to_add(project: Project, verdicts: Sequence[Verdict], device: str) -> int:
    """How many images of further seeds `extend` would ask for that are not in the store."""
    added, store = ExtraSeeds.of(project.root), store_of(home_of(project.root))
    further: dict[tuple[str, str], list[int]] = {}
    for verdict in verdicts:
        found = _proposed(project, added, verdict)
        for model in {verdict.model, verdict.incumbent} if found.further else ():
            further.setdefault((verdict.endpoint, model), []).extend((*found.own, *found.further))

    def asked(seeds: Mapping[tuple[str, str], Sequence[int]]) -> set[str]:
        return {
            request.image_key
            for branch in further
            for request in build_requests(
                project, *branch, device, _union(added.read(*branch), seeds.get(branch, ()))
            )
        }

    new = asked(further) - asked({})
    return len(new - store.seem_intact(new))


@dataclass(frozen=True)
class _Proposal:
    """Seeds added to a branch before, and those to add; none of these where `why` tells why."""

    own: Sequence[int] = ()
    further: Sequence[int] = ()
    why: str = ""


def _proposed(project: Project, added: ExtraSeeds, verdict: Verdict) -> _Proposal:
    contract = project.endpoint(verdict.endpoint)
    before = added.read(verdict.endpoint, verdict.model)
    have = _union(contract.sampling.seeds, before)
    if any("labelled" in c and c["state"] == "undecided" for c in verdict.criteria):
        return _Proposal(why="further seeds would not settle it, only more labels of people")
    if verdict.needed_seeds is None or verdict.needed_seeds <= len(have):
        prompts = verdict.needed_prompts
        fix = f"add about {prompts:,}" if prompts else "no practical number would do"
        sets = ", ".join(f"prompts/{name}.yaml" for name in contract.prompt_sets)
        return _Proposal(why=f"further seeds would not settle it, only prompts: {fix} ({sets})")
    own = [seed for seed in have if seed not in contract.sampling.seeds]
    return _Proposal(own, _further(have, verdict.needed_seeds - len(have)))


def _extend(project: Project, added: ExtraSeeds, verdict: Verdict) -> str:
    where = f"{verdict.endpoint}/{verdict.model}"
    found = _proposed(project, added, verdict)
    if not found.further:
        return f"{where}: {found.why}"
    for model in dict.fromkeys((verdict.model, verdict.incumbent)):
        theirs = added.read(verdict.endpoint, model)
        added.write(verdict.endpoint, model, _union(theirs, found.own, found.further))
    seeds = ", ".join(map(str, found.further))
    return f"{where}: seeds {seeds} added, for {verdict.incumbent} as well"


def _union(*seeds: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(chain(*seeds)))


def _further(have: Sequence[int], count: int) -> list[int]:
    """The next numbers that are not in use yet."""
    used, seed = {noise_of(s) for s in have}, max(have)
    # Hosted models take no more than this, and never had a larger one.
    most = MOST_HOSTED if seed <= MOST_HOSTED else MOST
    found: list[int] = []
    while len(found) < count:
        seed = (seed + 1) % (most + 1)
        if noise_of(seed) not in used:
            found.append(seed)
    return found
