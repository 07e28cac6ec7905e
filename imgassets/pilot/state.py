"""Whether a pilot holds for the documents as they are now: what a rollout asks before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from imgassets.documents.base import fingerprint
from imgassets.documents.facets import facets_of
from imgassets.documents.pilot import Pilot as PilotDocument
from imgassets.documents.project import Project
from imgassets.documents.weights import file_sha256
from imgassets.pilot.ceilings import holds
from imgassets.pilot.result import Pilot, read_pilot
from imgassets.requests import environment_words
from imgassets.storage.project_home import home_of

#: Facets that a pilot depends on. Ceilings are none: they are held to what was measured.
_OF_ENDPOINT = ("requests", "chain", "traffic")
_NOT_OF_MODEL = {"limits"}


@dataclass(frozen=True)
class PilotState:
    """Where a branch stands.

    Attributes:
        state: `holds` also where the contract asks for no pilot.
        reason: in words.
        result: the pilot it is about, with its requests.
    """

    state: Literal["holds", "failed", "missing", "stale"]
    reason: str
    result: Pilot | None = None


def pilot_state(project: Project, endpoint: str, model: str) -> PilotState:
    """Whether the last pilot holds for the documents, weights and libraries as they are now.

    Ceilings are those of the contract now: a changed one needs no new traffic.

    Raises:
        KeyError: no such endpoint.
        LookupError: no such model.
    """
    contract = project.endpoint(endpoint)
    if contract.pilot is None:
        return PilotState("holds", f"the contract of {endpoint} asks for no pilot")
    again = f"run `imgassets pilot --endpoint {endpoint} --model {model}`"
    try:
        found = read_pilot(home_of(project.root).pilot(endpoint, model))
    except ValueError as error:
        return PilotState("missing", str(error))
    if found is None:
        return PilotState("missing", f"{model} had no pilot at {endpoint}; {again}")
    changed = changed_since(found, project, contract.pilot)
    if changed:
        what = ", ".join(changed)
        return PilotState("stale", f"changed since the pilot: {what}; {again}", found)
    good, wrong = holds(found, contract.pilot.ceilings, contract.decision.alpha)
    if not good:
        return PilotState("failed", "; ".join(wrong), found)
    return PilotState("holds", f"held on {found.result.started}: {found.result.load}", found)


def changed_since(pilot: Pilot, project: Project, document: PilotDocument) -> list[str]:
    """What a pilot depended on that is another thing now, by name."""
    then, result = pilot.result.fingerprints, pilot.result
    now = fingerprints(project, result.endpoint, result.model, document, result.device)
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def fingerprints(
    project: Project, endpoint: str, model: str, pilot: PilotDocument, device: str
) -> dict[str, str]:
    """All that a pilot depends on, by what it is of."""
    contract, document = project.endpoint(endpoint), project.model(model)
    found = {f"endpoints/{endpoint}/{facet}": facets_of(project, "endpoints", endpoint)[facet]
             for facet in _OF_ENDPOINT}  # fmt: skip
    found |= {
        f"models/{model}/{facet}": value
        for facet, value in facets_of(project, "models", model).items()
        if facet not in _NOT_OF_MODEL
    }
    found[f"models/{model}/batch_size"] = str(document.batch_size)
    for name in contract.prompt_sets:
        found[f"prompts/{name}"] = facets_of(project, "prompts", name)["prompts"]
    found["traffic"] = fingerprint(replayed(project, pilot))
    found["libraries"] = environment_words(device)
    return found


def replayed(project: Project, pilot: PilotDocument) -> dict[str, Any]:
    """What is replayed, as JSON values: a trace by its content."""
    said = pilot.model_dump(mode="json", exclude={"ceilings"})
    if pilot.trace is not None:
        path = project.root / pilot.trace
        content = file_sha256(path) if path.is_file() else ""
        said["trace"] = content
    return said


def same_traffic(one: Pilot, other: Pilot) -> bool:
    """Whether two pilots were put under the same requests at the same times."""
    keys = [k for k in one.result.fingerprints if not k.startswith(("models/", "libraries"))]
    same = all(one.result.fingerprints[k] == other.result.fingerprints.get(k) for k in keys)
    return same and one.result.share_of == other.result.share_of
