"""What no document can see alone: names that must exist elsewhere, limits another file sets."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imgassets.documents import installed_diffusers, scheduler_names
from imgassets.documents.comfyui import ComfyModel
from imgassets.documents.command import CommandModel
from imgassets.documents.contract import Endpoint
from imgassets.documents.folder import FolderModel
from imgassets.documents.folder_references import check_folder
from imgassets.documents.judge_references import check_judges
from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel
from imgassets.documents.postprocess import Watermark
from imgassets.documents.problems import Problem
from imgassets.documents.problems import problem_at as _problem
from imgassets.documents.prompts import PromptSet
from imgassets.documents.scheduler_settings import check_settings
from imgassets.documents.size_references import check_regions, check_sizes
from imgassets.documents.traces import check_trace
from imgassets.documents.upscaler import DiffusionUpscaler, Network
from imgassets.documents.weight_files import broken_files, broken_network
from imgassets.documents.weights import foreign_code, hub_name, weights_folder
from imgassets.documents.workflow_references import check_workflows
from imgassets.flows import FLOWS
from imgassets.metrics.gone import GONE

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

Loc = tuple[str | int, ...]
#: Prompts in formats that have to be imported; none is a folder of text files.
OTHER_SUFFIXES = (".txt", ".tsv", ".csv", "")


def check(project: Project) -> list[Problem]:
    """All problems between documents."""
    found: list[Problem] = []
    for model in project.models.values():
        found += _check_model(project, model)
    for endpoint in project.endpoints.values():
        found += _check_endpoint(project, endpoint)
    return [*found, *check_judges(project)]


def _closest(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"known: {shown}" if known else "none exists yet"


def _to_import(project: Project, name: str) -> str:
    """What to do about prompts that lie there in another format; empty where none do."""
    for path in (project.root / "prompts" / f"{name}{suffix}" for suffix in OTHER_SUFFIXES):
        if path.exists():
            return f"run `imgassets prompts import prompts/{path.name}`"
    return ""


# ---- models --------------------------------------------------------------------------------


def _check_model(project: Project, loaded: Loaded[AnyModel]) -> Iterator[Problem]:
    yield from _check_upscaler(project, loaded)
    if isinstance(loaded.document, Model):
        yield from _check_diffusers(project, loaded, loaded.document)
    if isinstance(loaded.document, FolderModel):
        yield from check_folder(project, loaded, loaded.document)
    if isinstance(loaded.document, ComfyModel):
        yield from check_workflows(project, loaded, loaded.document)
    if isinstance(loaded.document, CommandModel):
        yield from _check_files(project, loaded, loaded.document)


def _check_files(
    project: Project, loaded: Loaded[AnyModel], model: CommandModel
) -> Iterator[Problem]:
    for index, name in enumerate(model.files):
        if not (project.root / name).is_file():
            fix = "correct the path, from the project's root"
            yield _problem(loaded, ("files", index), f"there is no file {name!r}", fix)


def _check_diffusers(project: Project, loaded: Loaded[AnyModel], model: Model) -> Iterator[Problem]:
    yield from _check_scheduler(loaded, model)
    pipelines = installed_diffusers.pipelines()
    wanted: list[tuple[Loc, str | None]] = [
        (("pipeline",), model.pipeline),
        (("edit", "pipeline"), model.edit.pipeline if model.edit else None),
        (("stylize", "pipeline"), model.stylize.pipeline if model.stylize else None),
    ]
    for loc, name in wanted:
        if pipelines and name is not None and name not in pipelines:
            yield _problem(
                loaded, loc, f"diffusers has no pipeline {name!r}", _closest(name, pipelines)
            )
    yield from _check_pipeline_folder(
        project, loaded, ("weights",), model.weights, model.loading.variant
    )


def _check_upscaler(project: Project, loaded: Loaded[AnyModel]) -> Iterator[Problem]:
    upscaling = loaded.document.upscaler
    if isinstance(upscaling, DiffusionUpscaler):
        loc = ("upscaler", "weights")
        variant = upscaling.loading.variant
        yield from _check_pipeline_folder(project, loaded, loc, upscaling.weights, variant)
    if isinstance(upscaling, Network):
        upscaler = weights_folder(project.root, upscaling.weights)
        for sentence in broken_network(upscaler):
            yield _problem(loaded, ("upscaler", "weights"), *_message_and_fix(sentence))
        if not upscaler.is_file() and not any(upscaler.glob("*.safetensors")):
            yield _problem(
                loaded,
                ("upscaler", "weights"),
                f"no safetensors file in {upscaler}",
                "put the upscaler's weights there, or correct the path",
            )


def _check_pipeline_folder(
    project: Project, loaded: Loaded[AnyModel], loc: Loc, weights: str, variant: str | None
) -> Iterator[Problem]:
    if hub_name(weights) is not None:
        return  # downloaded when it is first asked for; its commit is checked by the document
    folder = weights_folder(project.root, weights)
    if not folder.exists():
        yield _problem(
            loaded,
            loc,
            f"weights folder {folder} does not exist",
            "download the model there, or correct the path (package:NAME for embedded models, "
            "hub:OWNER/NAME for the hub)",
        )
        return
    for sentence in broken_files(folder, variant):
        yield _problem(loaded, loc, *_message_and_fix(sentence))
    for name in foreign_code(folder):
        yield _problem(
            loaded,
            loc,
            f"{folder}: {name} needs code that comes with the weights, which is never run",
            "use a model whose parts are classes of diffusers and transformers",
        )


def _message_and_fix(sentence: str) -> tuple[str, str]:
    message, _, fix = sentence.rpartition("; ")
    return message, fix


def _check_scheduler(loaded: Loaded[AnyModel], model: Model) -> Iterator[Problem]:
    scheduler = model.scheduler
    known = installed_diffusers.schedulers()
    if known and scheduler.class_ not in known:
        yield _problem(
            loaded,
            ("scheduler", "class"),
            f"diffusers has no scheduler {scheduler.class_!r}",
            scheduler_names.hint(scheduler.class_) or _closest(scheduler.class_, known),
        )
        return
    settings = installed_diffusers.scheduler_settings(scheduler.class_)
    for name in scheduler.settings:
        if settings is not None and name not in settings:
            yield _problem(
                loaded,
                ("scheduler", "settings", name),
                f"{scheduler.class_} has no setting {name!r}",
                _closest(name, settings),
            )
    for found in check_settings(scheduler.class_, scheduler.settings):
        loc = ("settings", found.setting) if found.setting else ("class",)
        yield _problem(loaded, ("scheduler", *loc), found.message, found.fix)


# ---- endpoints -----------------------------------------------------------------------------


def _check_endpoint(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    endpoint = loaded.document
    named: list[tuple[Loc, str]] = [(("incumbent",), endpoint.incumbent)]
    named += [(("candidates", i), name) for i, name in enumerate(endpoint.candidates)]
    for loc, name in named:
        model = project.models.get(name)
        if model is None and ("models", name) in project.broken:
            continue  # the model's own problems say it
        if model is None:
            yield _problem(
                loaded,
                loc,
                f"no valid contracts/models/{name}.yaml",
                _closest(name, project.models),
            )
        else:
            yield from _check_abilities(loaded, loc, model.document)
            yield from check_sizes(project, loaded, loc, model)
    for i, name in enumerate(endpoint.prompt_sets):
        if name not in project.prompt_sets and ("prompts", name) not in project.broken:
            yield _problem(
                loaded,
                ("prompt_sets", i),
                f"no valid prompts/{name}.yaml (or .jsonl)",
                _to_import(project, name) or _closest(name, project.prompt_sets),
            )
    sets = [project.prompt_sets[n] for n in endpoint.prompt_sets if n in project.prompt_sets]
    yield from _check_marks(project, loaded)
    yield from _check_prompts(loaded, sets)
    yield from check_regions(project, loaded, sets)
    yield from _check_measured(loaded)
    if len(sets) == len(endpoint.prompt_sets):
        yield from check_trace(project, loaded)
        yield from _check_measurable(loaded, [s.document for s in sets])


def _check_abilities(loaded: Loaded[Endpoint], loc: Loc, model: AnyModel) -> Iterator[Problem]:
    found = model.size_problem(loaded.document.returns.size)
    if found:
        yield _problem(loaded, loc, f"model {model.model}: {found[0]}", found[1])
    for i, seed in enumerate(loaded.document.sampling.seeds):
        if seed > model.most_seed:
            yield _problem(
                loaded,
                ("sampling", "seeds", i),
                f"model {model.model} takes seeds up to {model.most_seed}, not {seed}",
                "choose a smaller seed for all models of this endpoint",
            )
    for flow in loaded.document.flows:
        field = FLOWS[flow].model_field
        if field and getattr(model, field, Ellipsis) is None:
            yield _problem(
                loaded,
                loc,
                f"flow {flow} is asked for, but model {model.model} has no `{field}`",
                f"add `{field}` to contracts/models/{model.model}.yaml, or drop the flow",
            )


def _check_marks(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    for i, step in enumerate(loaded.document.postprocess):
        mark = step.image if isinstance(step, Watermark) else None
        if mark is not None and not (project.root / mark).is_file():
            yield _problem(
                loaded,
                ("postprocess", i, "image"),
                f"{project.root / mark} does not exist",
                "put the watermark there, or correct the path (from the project root)",
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
            if prompt.edit and any(FLOWS[flow].edits for flow in loaded.document.flows):
                texts.append((("prompts", i, "edit", "prompt"), prompt.edit.prompt))
            for loc, text in texts:
                length = _longest(loaded.document, prompt_set.document, text)
                if length > limit:
                    yield _problem(
                        prompt_set,
                        loc,
                        f"prompt {prompt.id!r} has {length} characters after transforms; endpoint "
                        f"{loaded.document.endpoint!r} accepts {limit}",
                        f"shorten it, or raise accepts.max_prompt_chars in {loaded.file}",
                    )


def _longest(endpoint: Endpoint, prompt_set: PromptSet, text: str) -> int:
    """Characters of a prompt after transforms, in the endpoint's style where it has one."""
    written = prompt_set.transformed(text)
    styled = endpoint.stylize.transformed(*written) if endpoint.stylize else written
    return max(len(written[0]), len(styled[0]))


def _check_measured(loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    endpoint = loaded.document
    named: list[tuple[Loc, str, str]] = [
        (("criteria", i, "metric"), c.metric, c.flow) for i, c in enumerate(endpoint.criteria)
    ]
    named += [
        (("review", "disagree", i, "metrics", k), metric, d.flow)
        for i, d in enumerate(endpoint.review.disagree)
        for k, metric in enumerate(d.metrics)
    ]
    for loc, metric, flow in named:
        if metric in GONE:
            message = f"no metric family measures {metric} on flow {flow}, so it can never hold"
            yield _problem(loaded, loc, message, GONE[metric].summary)


def _check_measurable(loaded: Loaded[Endpoint], sets: list[PromptSet]) -> Iterator[Problem]:
    endpoint = loaded.document
    prompts = [p for s in sets for p in s.prompts]
    for i, flow in enumerate(endpoint.flows):
        if FLOWS[flow].edits and not any(p.edit for p in prompts):
            yield _problem(
                loaded,
                ("flows", i),
                f"flow {flow} is asked for, but no prompt of the prompt sets has an `edit`",
                "add an `edit` to a prompt, or drop the flow",
            )
    for i, criterion in enumerate(endpoint.criteria):
        expectations = (
            [p.edit.expect for p in prompts if p.edit]
            if endpoint.edited(criterion.flow)
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
