"""Workflows that model documents name: whether they are there and have what the tables name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.comfyui import ComfyModel, Workflow, WorkflowInputs
from imgassets.documents.models import AnyModel
from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.workflow import (
    WorkflowError,
    output_problem,
    place_problem,
    read_workflow,
)

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

Loc = tuple[str | int, ...]


def check_workflows(
    project: Project, loaded: Loaded[AnyModel], model: ComfyModel
) -> Iterator[Problem]:
    """Problems of all workflows of a model."""
    yield from _check(project, loaded, (), model, model.inputs)
    if model.stylize:
        yield from _check(project, loaded, ("stylize",), model.stylize, model.stylize.inputs)
    if model.edit:
        yield from _check(project, loaded, ("edit",), model.edit, model.edit.inputs)


def _check(
    project: Project, loaded: Loaded[AnyModel], at: Loc, how: Workflow, inputs: WorkflowInputs
) -> Iterator[Problem]:
    try:
        nodes = read_workflow(project.root / how.workflow)
    except WorkflowError as error:
        yield problem_at(loaded, (*at, "workflow"), error.message, error.fix)
        return
    for name, place in inputs.places():
        found = place_problem(nodes, name, place)
        if found:
            yield problem_at(loaded, (*at, "inputs", name), *found)
    found = output_problem(nodes, how.output)
    if found:
        yield problem_at(loaded, (*at, "output"), *found)
