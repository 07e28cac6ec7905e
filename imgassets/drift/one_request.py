"""The request an endpoint would send for a prompt that stands in no prompt set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Loaded, Project
from imgassets.documents.prompts import Prompt, PromptSet
from imgassets.flows import FlowName
from imgassets.requests import Request, build_requests


def endpoint_of(project: Project, model: str | None) -> tuple[Endpoint, str]:
    """An endpoint that has a model (else the first), and the model (else its incumbent).

    Raises:
        LookupError: no such model, or no endpoint at all.
    """
    endpoints = project.usable_endpoints()
    if not endpoints:
        raise LookupError("no usable endpoint contract; `imgassets check` says what is wrong")
    name = project.model(model or endpoints[0].incumbent).model
    return next((e for e in endpoints if name in e.models), endpoints[0]), name


def requests_alone(
    project: Project,
    endpoint: Endpoint,
    model: str,
    prompt: Prompt,
    seed: int,
    device: str,
    flows: Sequence[FlowName],
) -> list[Request]:
    """One request a flow, for one prompt and seed, as the endpoint would send them.

    Raises:
        FileNotFoundError: a weights folder is missing.
    """
    asks = PromptSet(prompt_set="asked", prompts=(prompt,))
    sampling = endpoint.sampling.model_copy(update={"seeds": (seed,), "replicates": 1})
    changed = {
        "flows": tuple(flows),
        "sources": {},
        "prompt_sets": ("asked",),
        "sampling": sampling,
    }
    once = endpoint.model_copy(update=changed)
    nowhere = Path("asked")
    alone = replace(
        project,
        endpoints={"asked": Loaded(once, nowhere, None)},
        prompt_sets={"asked": Loaded(asks, nowhere, None)},
    )
    return build_requests(alone, "asked", model, device)
