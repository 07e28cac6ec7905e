"""Sizes and regions that an endpoint asks for, against what its models can make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.spec.contract import Endpoint
from imgassets.spec.hosted import AnyModel
from imgassets.spec.problems import Problem, problem_at
from imgassets.spec.prompts import PromptSet
from imgassets.spec.sizes import Grid, grid_of, region_problem, size_problem
from imgassets.spec.upscaler import DiffusionUpscaler, SdUpscale

if TYPE_CHECKING:
    from imgassets.spec.project import Loaded, Project


def check_sizes(
    project: Project, loaded: Loaded[Endpoint], loc: tuple[str | int, ...], model: Loaded[AnyModel]
) -> Iterator[Problem]:
    """Sizes that a model's pipeline cannot make: of its images, and of what its upscaler paints."""
    grid = grid_of(project.root, model.document)
    name, upscaler = model.document.model, model.document.upscaler
    found = size_problem(grid, loaded.document.returns.size) if grid else None
    if found:
        yield problem_at(loaded, loc, f"model {name} {found[0]}", found[1])
    if "upscale" not in loaded.document.flows or upscaler is None:
        return
    source = loaded.document.source_of("upscale") or "generate"
    width, height = loaded.document.returned(source).size
    if isinstance(upscaler, DiffusionUpscaler) and upscaler.kind == "diffusers-latent-x2":
        found = size_problem(Grid(64, 8), (width, height))
        if found:
            yield problem_at(loaded, loc, f"the upscaler of model {name} {found[0]}", found[1])
    if isinstance(upscaler, SdUpscale) and grid:
        side = upscaler.tiles.size
        windows = [min(side, width * upscaler.scale), min(side, height * upscaler.scale)]
        found = size_problem(grid, windows)
        if found:
            message = f"windows of {windows} pixels: model {name} {found[0]}"
            yield problem_at(model, ("upscaler", "tiles", "size"), message, found[1])


def check_regions(
    project: Project, loaded: Loaded[Endpoint], sets: list[Loaded[PromptSet]]
) -> Iterator[Problem]:
    """Edit regions that no pixel, or no latent of a model, would be repainted in."""
    endpoint = loaded.document
    if "edit" not in endpoint.flows:
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
