"""What no document can see alone: names that must exist elsewhere, limits another file sets."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from imgassets.spec import installed
from imgassets.spec.contract import Endpoint
from imgassets.spec.hosted import AnyModel, HostedModel, size_problem
from imgassets.spec.model import Model
from imgassets.spec.problems import Problem, dotted
from imgassets.spec.prompts import PromptSet
from imgassets.spec.weights import missing_files, weights_folder

if TYPE_CHECKING:
    from imgassets.spec.project import Loaded, Project

Loc = tuple[str | int, ...]


def check(project: Project) -> list[Problem]:
    """All problems between documents."""
    found: list[Problem] = []
    for model in project.models.values():
        found += _check_model(project, model)
    for endpoint in project.endpoints.values():
        found += _check_endpoint(project, endpoint)
    return found


def _problem(loaded: Loaded[Any], loc: Loc, message: str, fix: str) -> Problem:
    return Problem(str(loaded.file), loaded.line(*loc), dotted(loc), message, fix)


def _closest(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"known: {shown}" if known else "none exists yet"


# ---- models --------------------------------------------------------------------------------


def _check_model(project: Project, loaded: Loaded[AnyModel]) -> Iterator[Problem]:
    yield from _check_upscaler(project, loaded)
    if isinstance(loaded.document, Model):
        yield from _check_diffusers(project, loaded, loaded.document)


def _check_diffusers(project: Project, loaded: Loaded[AnyModel], model: Model) -> Iterator[Problem]:
    yield from _check_scheduler(loaded, model)
    pipelines = installed.pipelines()
    wanted: list[tuple[Loc, str]] = [(("pipeline",), model.pipeline)]
    if model.edit:
        wanted.append((("edit", "pipeline"), model.edit.pipeline))
    for loc, name in wanted:
        if pipelines and name not in pipelines:
            yield _problem(
                loaded, loc, f"diffusers has no pipeline {name!r}", _closest(name, pipelines)
            )
    folder = weights_folder(project.root, model.weights)
    if not folder.is_dir():
        yield _problem(
            loaded,
            ("weights",),
            f"weights folder {folder} does not exist",
            "download the model there, or correct the path (package:NAME for embedded models)",
        )
    else:
        for name in missing_files(folder):
            yield _problem(
                loaded,
                ("weights",),
                f"weight file {folder / name} is missing",
                "download the folder again, in safetensors format",
            )


def _check_upscaler(project: Project, loaded: Loaded[AnyModel]) -> Iterator[Problem]:
    weights = getattr(loaded.document.upscaler, "weights", None)
    if weights:
        upscaler = weights_folder(project.root, weights)
        if not any(upscaler.glob("*.safetensors")):
            yield _problem(
                loaded,
                ("upscaler", "weights"),
                f"no safetensors file in {upscaler}",
                "put the upscaler's weights there, or correct the path",
            )


def _check_scheduler(loaded: Loaded[AnyModel], model: Model) -> Iterator[Problem]:
    scheduler = model.scheduler
    known = installed.schedulers()
    if known and scheduler.class_ not in known:
        yield _problem(
            loaded,
            ("scheduler", "class"),
            f"diffusers has no scheduler {scheduler.class_!r}",
            _closest(scheduler.class_, known),
        )
        return
    settings = installed.scheduler_settings(scheduler.class_)
    for name in scheduler.settings:
        if settings is not None and name not in settings:
            yield _problem(
                loaded,
                ("scheduler", "settings", name),
                f"{scheduler.class_} has no setting {name!r}",
                _closest(name, settings),
            )


# ---- endpoints -----------------------------------------------------------------------------


def _check_endpoint(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    endpoint = loaded.document
    named: list[tuple[Loc, str]] = [(("incumbent",), endpoint.incumbent)]
    named += [(("candidates", i), name) for i, name in enumerate(endpoint.candidates)]
    for loc, name in named:
        model = project.models.get(name)
        if model is None:
            yield _problem(
                loaded,
                loc,
                f"no valid contracts/models/{name}.yaml",
                _closest(name, project.models),
            )
        else:
            yield from _check_abilities(loaded, loc, model.document)
    for i, name in enumerate(endpoint.prompt_sets):
        if name not in project.prompt_sets:
            yield _problem(
                loaded,
                ("prompt_sets", i),
                f"no valid prompts/{name}.yaml (or .jsonl)",
                _closest(name, project.prompt_sets),
            )
    sets = [project.prompt_sets[n] for n in endpoint.prompt_sets if n in project.prompt_sets]
    yield from _check_prompts(loaded, sets)
    if len(sets) == len(endpoint.prompt_sets):
        yield from _check_measurable(loaded, [s.document for s in sets])


def _check_abilities(loaded: Loaded[Endpoint], loc: Loc, model: AnyModel) -> Iterator[Problem]:
    if isinstance(model, HostedModel):
        found = size_problem(model, loaded.document.returns.size)
        if found:
            yield _problem(loaded, loc, f"model {model.model}: {found[0]}", found[1])
    for flow, ability in (("edit", model.edit), ("upscale", model.upscaler)):
        field = "edit" if flow == "edit" else "upscaler"
        if flow in loaded.document.flows and ability is None:
            yield _problem(
                loaded,
                loc,
                f"flow {flow} is asked for, but model {model.model} has no `{field}`",
                f"add `{field}` to contracts/models/{model.model}.yaml, or drop the flow",
            )


def _check_prompts(loaded: Loaded[Endpoint], sets: list[Loaded[PromptSet]]) -> Iterator[Problem]:
    limit = loaded.document.accepts.max_prompt_chars
    seen: dict[str, str] = {}
    for prompt_set in sets:
        for i, prompt in enumerate(prompt_set.document.prompts):
            other = seen.setdefault(prompt.id, prompt_set.document.prompt_set)
            if other != prompt_set.document.prompt_set:
                yield _problem(
                    prompt_set,
                    ("prompts", i, "id"),
                    f"id {prompt.id!r} is also in prompt set {other!r} of endpoint "
                    f"{loaded.document.endpoint!r}",
                    "rename one of them; results are told apart by it",
                )
            texts: list[tuple[Loc, str]] = [(("prompts", i, "prompt"), prompt.prompt)]
            if prompt.edit and "edit" in loaded.document.flows:
                texts.append((("prompts", i, "edit", "prompt"), prompt.edit.prompt))
            for loc, text in texts:
                length = len(prompt_set.document.transformed(text)[0])
                if length > limit:
                    yield _problem(
                        prompt_set,
                        loc,
                        f"prompt {prompt.id!r} has {length} characters after transforms; endpoint "
                        f"{loaded.document.endpoint!r} accepts {limit}",
                        f"shorten it, or raise accepts.max_prompt_chars in {loaded.file}",
                    )


def _check_measurable(loaded: Loaded[Endpoint], sets: list[PromptSet]) -> Iterator[Problem]:
    endpoint = loaded.document
    prompts = [p for s in sets for p in s.prompts]
    if "edit" in endpoint.flows and not any(p.edit for p in prompts):
        yield _problem(
            loaded,
            ("flows", endpoint.flows.index("edit")),
            "flow edit is asked for, but no prompt of the prompt sets has an `edit`",
            "add an `edit` to a prompt, or drop the flow",
        )
    for i, criterion in enumerate(endpoint.criteria):
        expectations = (
            [p.edit.expect for p in prompts if p.edit]
            if criterion.flow == "edit"
            else [p.expect for p in prompts]
        )
        if not any(e.asks(criterion.metric) for e in expectations):
            yield _problem(
                loaded,
                ("criteria", i, "metric"),
                f"no prompt of {', '.join(endpoint.prompt_sets)} expects anything "
                f"{criterion.metric} could measure on flow {criterion.flow}",
                "give prompts an `expect`, or drop the criterion",
            )
