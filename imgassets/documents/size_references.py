"""Sizes and regions that an endpoint asks for, against what its models can make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.models import AnyModel
from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.prompts import PromptSet
from imgassets.documents.sizes import grid_of, region_problem, size_problem
from imgassets.flows import FLOWS

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project


def check_sizes(
    project: Project, loaded: Loaded[Endpoint], loc: tuple[str | int, ...], model: Loaded[AnyModel]
) -> Iterator[Problem]:
    """A size that a model's pipeline cannot make."""
    grid = grid_of(project.root, model.document)
    found = size_problem(grid, loaded.document.returns.size) if grid else None
    if found:
        yield problem_at(loaded, loc, f"model {model.document.model} {found[0]}", found[1])


def check_regions(
    project: Project, loaded: Loaded[Endpoint], sets: list[Loaded[PromptSet]]
) -> Iterator[Problem]:
    """Edit regions that no pixel, or no latent of a model, would be repainted in."""
    endpoint = loaded.document
    if not any(FLOWS[flow].edits for flow in endpoint.flows):
        return
    models = [project.models[n].document for n in endpoint.models if n in project.models]
    latents = [grid.latent for m in models if (grid := grid_of(project.root, m))]
    for prompt_set in sets:
        for i, prompt in enumerate(prompt_set.document.prompts):
            region = prompt.edit.region if prompt.edit else (0.0, 0.0, 1.0, 1.0)
            found = region_problem(region, endpoint.returns.size, max(latents, default=1))
            if found:
                where = f"(endpoint {endpoint.endpoint})"
                loc = ("prompts", i, "edit", "region")
                yield problem_at(prompt_set, loc, f"{found[0]} {where}", found[1])
