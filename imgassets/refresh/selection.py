"""Which part of a project to bring up to date."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from imgassets.documents.project import Project


@dataclass(frozen=True)
class Selection:
    """Which endpoints and candidates to bring up to date; empty means all of them."""

    endpoints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def branches(self, project: Project) -> list[tuple[str, str]]:
        """(endpoint, model) pairs asked for.

        Raises:
            LookupError: a name that no document has; says which there are.
        """
        known = {e.endpoint: e for e in project.usable_endpoints()}
        _check_names("endpoint", self.endpoints, known)
        chosen = [known[name] for name in (self.endpoints or known)]
        _check_names("model", self.models, {m for e in chosen for m in e.models})
        return [
            (e.endpoint, m) for e in chosen for m in e.models if not self.models or m in self.models
        ]

    def assets(self, project: Project, keys: Iterable[str]) -> set[str]:
        """Those of some assets that belong to what is asked for.

        A candidate's branch brings the incumbent's along, since it is compared with it. Reports are
        made for endpoints of which all models are asked for.

        Raises:
            LookupError: as of `branches`.
        """
        branches = set(self.branches(project))
        endpoints = {endpoint for endpoint, _ in branches}
        branches |= {(e, project.endpoint(e).incumbent) for e in endpoints}
        owners = {"/".join(branch) for branch in branches}
        if not self.models:
            owners |= endpoints
        return {key for key in keys if key.rpartition("/")[0] in owners}


def _check_names(what: str, wanted: Iterable[str], known: Collection[str]) -> None:
    for name in wanted:
        if name not in known:
            raise LookupError(f"no {what} {name!r}; there are: {', '.join(sorted(known))}")
