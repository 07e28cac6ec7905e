"""Money that a contract would spend, against what its models and its budget allow.

Hints: images that are stored already cost nothing again, and nobody knows here which these are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.hosted import HostedModel
from imgassets.documents.models import AnyModel
from imgassets.documents.problems import Problem, problem_at
from imgassets.flows import FIRST, FlowName

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project


def hints(project: Project) -> list[Problem]:
    """A hint for each model that may stop for want of money, or can only be too expensive."""
    endpoints = [project.endpoints[e.endpoint] for e in project.usable_endpoints()]
    named = {name for e in endpoints for name in e.document.models}
    return sorted(
        [
            *(h for name in named for h in _over_limit(project, project.models[name], endpoints)),
            *(hint for loaded in endpoints for hint in _over_budget(project, loaded)),
        ]
    )


def _over_limit(
    project: Project, loaded: Loaded[AnyModel], endpoints: list[Loaded[Endpoint]]
) -> Iterator[Problem]:
    """Images of all endpoints cost more than `limits.max_usd`, the most a model may ever cost."""
    model = loaded.document
    if not isinstance(model, HostedModel):
        return
    asked: set[tuple[FlowName, str, int, int, tuple[int, int]]] = {
        (flow, prompt, seed, again, endpoint.document.returns.size)
        for endpoint in endpoints
        if model.model in endpoint.document.models
        for flow, prompt in project.asked(endpoint.document)
        for seed in endpoint.document.sampling.seeds
        for again in range(endpoint.document.sampling.replicates)
    }
    usd = math.fsum(model.price.usd(0.0, request[0]) for request in asked)
    if usd > model.limits.max_usd:
        yield problem_at(
            loaded,
            ("limits", "max_usd"),
            f"all {len(asked)} images cost {usd:.2f} USD; {model.model} may cost "
            f"{model.limits.max_usd:.2f}, so some are not asked for unless they are stored",
            f"raise it to {usd:.2f}, or take fewer seeds or prompts",
        )


def _over_budget(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    """A price by the image that is above what one image may cost: never anything but NO-GO."""
    contract = loaded.document
    limits: list[tuple[tuple[str | int, ...], FlowName, float | None]] = [
        (("budget", "usd_per_image"), FIRST, contract.budget.usd_per_image)
    ]
    limits += [
        (("criteria", i, "ceiling"), c.flow, c.ceiling)
        for i, c in enumerate(contract.criteria)
        if c.metric == "cost.usd" and c.severity == "gating"
    ]
    for loc, flow, limit in limits:
        for name in contract.models:
            price = project.models[name].document.price
            if limit is None or price.usd_per_image is None:
                continue
            usd = price.usd(0.0, flow)
            if usd > limit:
                yield problem_at(
                    loaded,
                    loc,
                    f"{name} costs {usd:g} USD an image of flow {flow}, and {limit:g} are allowed: "
                    "it can only be NO-GO",
                    "raise the limit, or drop the model",
                )
