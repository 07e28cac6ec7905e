"""What a field says it changes is what it changes: every field of every document, by mutation."""

from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import ValidationError

import imgassets.documents
from imgassets.documents.base import Document
from imgassets.documents.contract import Endpoint
from imgassets.documents.facets import facets_of
from imgassets.documents.field_facets import (
    Facet,
    MarkedField,
    UnmarkedFieldError,
    defaults_in_use,
    marked_fields,
    parts_in,
    said_at,
)
from imgassets.documents.judge import judge_class
from imgassets.documents.models import model_class
from imgassets.documents.project import Loaded, Project, load_project
from imgassets.documents.prompts import PromptSet
from imgassets.requests import build_requests
from imgassets_tests.conftest import ENDPOINT, PROMPTS, edit_file
from imgassets_tests.documents import facets_table
from imgassets_tests.documents.every_document import (
    FULL_ENDPOINT,
    FULL_PROMPTS,
    MARK,
    comfyui_models,
    command_models,
    folder_models,
    hosted_models,
    judges,
    local_models,
    write_images,
    write_workflows,
)

#: Other values of fields whose type alone does not give one that is valid where they stand.
OTHERS: dict[str, Any] = {
    "FolderModel.images": "another-place",
    "FolderModel.manifest": "other.csv",
    "Accepts.sizes": [[96, 96]],
    "Accepts.source_alpha": "keep",
    "CommandModel.files": ["other.png"],
    "Criterion.metric": "composition.background",
    "DiffusionUpscaler.revision": "f" * 40,
    "DiffusionUpscaler.weights": "hub:acme/x8",
    "Disagreement.metrics": ["composition.background", "composition.size"],
    "Endpoint.judges": {"composition": "coco-small"},
    "Endpoint.sources": {"upscale": "edit"},
    "Rollout.stages": ["shadow", 1, 100],
    "ClipColors.revision": "f" * 40,
    "ClipColors.weights": "hub:acme/colors-2",
    "TransformersDetector.revision": "f" * 40,
    "TransformersDetector.weights": "hub:acme/boxes-2",
    "TransformersDetector.synonyms": {"settee": "couch"},
    "SsdMobilenet.synonyms": {"settee": "couch"},
    "SsdMobilenet.weights": "package:centerface",
    "CenterFace.weights": "package:coco-small",
    "Vqa.revision": "f" * 40,
    "Vqa.weights": "hub:acme/talker-2",
    "Vqa.question": "Is this {prompt}?",
    "Clip.revision": "f" * 40,
    "Clip.weights": "hub:acme/clip-2",
    "Clip.template": "a photo of {prompt}",
    **{
        f"{part}.workflow": "workflows/other.json"
        for part in (
            "ComfyModel",
            "ComfyEdit",
            "ComfyStylize",
            "Workflow",
        )
    },
    **{
        f"{part}.{name}": "99.other"
        for part in (
            "WorkflowInputs",
            "SourceInputs",
            "EditInputs",
        )
        for name in (
            "prompt",
            "negative_prompt",
            "seed",
            "width",
            "height",
            "source_image",
            "mask",
        )
    },
    "ComfyModel.base_url": "https://other.example",
    "ComfyModel.node_versions": {"comfyui-impact-pack": "8.9.0"},
    "ComfyModel.output": "8",
    "Edit.region": [0.0, 0.0, 0.25, 1.0],
    "GeminiEdit.instruction": "Draw {prompt}",
    "GeminiModel.api_model": "gemini-2.5-flash-image",
    "GeminiModel.aspect_ratio": "4:3",
    "IdeogramModel.asked_size": [512, 512],
    "GeminiModel.asked_size": [512, 512],
    "OpenAIModel.asked_size": [512, 512],
    "OpenAIModel.base_url": "https://localhost/v2",
    "OpenAIModel.api_key_variable": "OTHER_API_KEY",
    "OpenAIModel.seed_parameter": "other_seed",
    "OpenAIModel.negative_prompt_parameter": "avoid",
    "Loading.attention": "flash",
    "Model.revision": "f" * 40,
    "Model.weights": "hub:acme/boots",
    "Network.weights": "package:tiny-base",
    "Near.metric": "composition.correct",
    "ObjectExpectation.position": ["above", 0],
    "OwnMetric.range": [0.0, 2.0],
    "Pilot.flows": {"generate": 2},
    "Price.as_of": "2026-11-25",
    "HostedPrice.as_of": "2026-11-25",
    "Resize.size": [64, 64],
    "Review.look": {"lightness": 2},
    "Returns.size": [128, 128],
    "Template.template": "<{prompt}>",
    "Tiles.overlap": 24,
    "Tiles.size": 96,
    "Traffic.per_month": {"generate": 10},
    "Watermark.image": "other.png",
}
#: Fields that have one value where they stand; `kind` changes with the part that it names.
ONLY_VALUE = {
    "Returns.format", "Model.backend", "IdeogramModel.backend", "IdeogramModel.api_version",
    "ComfyModel.backend", "GeminiModel.backend", "FolderModel.backend", "CommandModel.backend",
    "OpenAIModel.backend", "IdeogramUpscaler.api_version", "IdeogramUpscaler.scale",
    "DiffusionUpscaler.scale", "HostedPrice.usd_per_hour",
    *(f"{part}.kind" for part in (
        "IdeogramEdit", "IdeogramRemix", "IdeogramUpscaler", "Lanczos", "SdUpscale",
        "DiffusionUpscaler", "Prefix", "Suffix", "Template", "Replace", "NegativePrompt", "Resize",
        "Sharpen", "Watermark", "Convert", "Shapes", "SsdMobilenet", "CenterFace", "Vqa", "Clip",
        "Poisson", "Gamma", "OnOff",
    )),
}  # fmt: skip
_GUESSES = (True, 1, 0.5, "another", "2026-12-02", [512, 512])


NEAR = """
criteria:
  - {metric: composition.correct, floor: 0.1}
  - {metric: artefacts.clean, floor: 0.5}
  - {metric: artefacts.clean, flow: upscale, floor: 0.5}
review: {near: [{metric: artefacts.clean, within: 0.02}]}
metrics: {team.rating: {unit: points, better: higher, range: [0, 1], summary: People.}}
traffic: {busiest_hour: 60, per_month: {generate: 9}}
pilot: {shape: {kind: on_off, on_seconds: 5, off_seconds: 9}, seconds: 60}
"""
TRACED = {"pilot": {"trace": "traces/friday.jsonl"}}


def bases() -> dict[tuple[str, str], Document]:
    """Documents that together write every field there is, by kind and name."""
    plain = yaml.safe_load(ENDPOINT) | {"prompt_sets": ["full", "few"]}
    few = yaml.safe_load(PROMPTS)
    found: dict[tuple[str, str], Document] = {
        ("endpoints", "plain"): Endpoint.model_validate(plain),
        ("endpoints", "near"): Endpoint.model_validate(plain | yaml.safe_load(NEAR)),
        ("endpoints", "full"): Endpoint.model_validate(plain | yaml.safe_load(FULL_ENDPOINT)),
        ("endpoints", "traced"): Endpoint.model_validate(plain | TRACED),
        ("prompts", "few"): PromptSet.model_validate(few),
        ("prompts", "full"): PromptSet.model_validate(few | yaml.safe_load(FULL_PROMPTS)),
    }
    found |= {
        ("judges", name): judge_class(document).model_validate(document | {"judge": name})
        for name, document in judges().items()
    }
    models = local_models() | hosted_models() | folder_models() | comfyui_models()
    models |= command_models()
    by_image = {"usd_per_image": 0.1, "source": "a test", "as_of": "2026-11-24"}
    models["by-image"] = models["plain"] | {"price": by_image}
    models["ideogram-2"] = models["ideogram"] | {"api_model": "V_2", "rendering_speed": None}
    for name, model in models.items():
        found["models", name] = model_class(model).model_validate(model | {"model": name})
    return found


BASES = bases()


@dataclass(frozen=True)
class Outcome:
    """What follows from a document: its facets, and the keys of all images of a branch with it."""

    facets: dict[str, str]
    keys: dict[tuple[str, str, int, int], str]

    def changed_facets(self, other: Outcome) -> set[str]:
        return {f for f in self.facets if self.facets[f] != other.facets[f]}

    def changes_keys(self, other: Outcome) -> bool:
        """Whether an image that both ask for has another key."""
        return any(key != other.keys.get(image, key) for image, key in self.keys.items())


def outcome(root: Path, kind: str, document: Document) -> Outcome:
    file = Path("any.yaml")
    sets = {n: Loaded(BASES["prompts", n], file, None) for n in ("full", "few")}
    project = Project(
        root,
        {"it": Loaded(document if kind == "endpoints" else BASES["endpoints", "full"], file, None)},
        {"it": Loaded(document if kind == "models" else BASES["models", "plain"], file, None)},
        sets | ({"full": Loaded(document, file, None)} if kind == "prompts" else {}),
        {"it": Loaded(document, file, None)} if kind == "judges" else {},
    )
    requests = build_requests(project, "it", "it", "cpu")
    return Outcome(
        facets_of(project, kind, "full" if kind == "prompts" else "it"),
        {(r.flow, r.prompt_id, r.seed, r.replicate): r.image_key for r in requests},
    )


def fields_in(
    document: Document, known: dict[Any, MarkedField], at: tuple[str | int, ...] = ()
) -> Iterator[tuple[MarkedField, tuple[str | int, ...], Any]]:
    """Every field of a document as it is, with where it stands and what Python type it has."""
    for name, field in type(document).model_fields.items():
        here = (*at, field.alias or name)
        path = tuple(part for part in here if isinstance(part, str))
        marked = known.get((path, type(document)))
        if marked is None:  # below a name that people chose, such as that of a metric
            path = tuple(p for p in path if "." not in p)
            marked = known[path, type(document)]
        yield marked, here, field.annotation
        for index, part in parts_of(getattr(document, name)):
            yield from fields_in(part, known, (*here, *index))


def parts_of(value: Any) -> list[tuple[tuple[str | int, ...], Document]]:
    if isinstance(value, Document):
        return [((), value)]
    items: list[Any] = []
    items = list(enumerate(value)) if isinstance(value, tuple) else items
    items = list(value.items()) if isinstance(value, dict) else items
    return [((index,), item) for index, item in items if isinstance(item, Document)]


def options(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [option for inner in get_args(annotation) for option in options(inner)]


def other_values(field: MarkedField, annotation: Any, value: Any) -> list[Any]:
    named = f"{field.owner.__name__}.{field.name}"
    if named in OTHERS:
        return [OTHERS[named]]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value / 2, value - 1, *options(annotation)]
    if isinstance(value, list):
        return [value[::-1], value[:-1], [*value, "another"], [7, 8]]
    if isinstance(value, dict):
        return [value | {"another": 1}]
    more = [f"{value}-2", f"{value}x"] if isinstance(value, str) else list(_GUESSES)
    return [*options(annotation), *more]


def with_other(document: Document, at: tuple[str | int, ...], values: list[Any]) -> Document | None:
    """The document with the first of the values that is valid at a field and another one."""
    for value in values:
        raw = document.model_dump(mode="json", by_alias=True, exclude_none=True)
        inner: Any = raw
        for part in at[:-1]:
            inner = inner[part]
        inner[at[-1]] = value
        try:
            changed = type(document).model_validate(raw)
        except ValidationError:
            continue
        if changed != document:
            return changed
    return None


def written(document: Document, at: tuple[str | int, ...]) -> Any:
    """What stands at a field; None where a field that came later is at its default."""
    value: Any = document.model_dump(mode="json", by_alias=True)
    for part in at:
        value = value.get(part) if isinstance(value, dict) else value[part]
    return value


def mutations(document: Document) -> Iterator[tuple[MarkedField, Any, Document]]:
    """`(field, where it stands, the document with another value there)`, where there is one."""
    marked = marked_fields(type(document), document.main_facet)
    known = {(field.path, field.owner): field for field in marked}
    for field, at, annotation in fields_in(document, known):
        if not parts_in(annotation):
            values = other_values(field, annotation, written(document, at))
            if (changed := with_other(document, at, values)) is not None:
                yield field, at, changed


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of watermarks lie."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "mark.png").write_bytes(base64.b64decode(MARK))
    (folder / "other.png").write_bytes(b"another")
    write_images(folder / "elsewhere")
    write_images(folder / "another-place", b"another image")
    write_workflows(folder)
    return folder


@pytest.mark.parametrize(("kind", "name"), BASES)
def test_a_field_changes_what_it_says(root: Path, kind: str, name: str) -> None:
    """Another value changes exactly the facets of the field, and keys where it says pixels."""
    document = BASES[kind, name]
    before, wrong = outcome(root, kind, document), []
    for field, at, changed in mutations(document):
        after = outcome(root, kind, changed)
        says = {facet.name.lower() for facet in field.graph if facet.name}, field.changes_pixels
        does = before.changed_facets(after), before.changes_keys(after)
        if says != does:
            wrong.append(f"{at}: says {says}, does {does}")
    assert not wrong, "\n".join(wrong)


def all_documents(above: type[Document] = Document) -> set[type[Document]]:
    """Every class of document in the product."""
    for module in pkgutil.iter_modules(imgassets.documents.__path__):
        importlib.import_module(f"imgassets.documents.{module.name}")
    below = {c for c in above.__subclasses__() if c.__module__.startswith("imgassets.")}
    return below.union(*(all_documents(c) for c in below))


@pytest.mark.parametrize("document", sorted(all_documents(), key=lambda d: d.__qualname__))
def test_every_field_says_what_it_changes(document: type[Document]) -> None:
    """One of pixels, no pixel, nothing, a part of the graph; of what holds parts, they say it."""
    for name, field in document.model_fields.items():
        said = said_at(field)
        if parts_in(field.annotation):
            assert not said & (Facet.PIXELS | Facet.NO_PIXEL | Facet.NOTHING), name
        else:
            assert Facet.PARTS not in said, name
            assert bool(said & Facet.PIXELS) + bool(said & (Facet.NO_PIXEL | Facet.NOTHING)) <= 1
        if said & (Facet.WHERE_SET | Facet.BY_CONTENT):
            assert Facet.PIXELS in said, name


def test_a_field_that_says_nothing_is_refused() -> None:
    class Forgotten(Document):
        steps: int

    with pytest.raises(UnmarkedFieldError, match="say what it changes"):
        list(marked_fields(Forgotten, Facet.GENERATOR))


def test_defaults_in_use_are_those_that_change_pixels_and_are_not_written(
    project_root: Path,
) -> None:
    """Left out of a document, a length gives other pixels than the one a model was trained with."""
    fast = load_project(project_root).model("fast")
    assert defaults_in_use(fast) == {"dtype": "float32"}
    edit_file(project_root / "contracts/models/fast.yaml", ", max_sequence_length: 0", "")
    fast = load_project(project_root).model("fast")
    assert defaults_in_use(fast) == {"dtype": "float32", "sampling.max_sequence_length": 256}


def test_every_field_was_tried() -> None:
    """Of all documents, whether or not the tests above run in this process."""
    every = {
        f"{field.owner.__name__}.{field.name}"
        for document in BASES.values()
        for field in marked_fields(type(document), document.main_facet)
        if not parts_in(field.owner.model_fields[field.name].annotation)
    }
    tried = {
        f"{field.owner.__name__}.{field.name}"
        for document in BASES.values()
        for field, _, _ in mutations(document)
    }
    assert every - tried == ONLY_VALUE


def test_the_documentation_says_what_each_field_changes() -> None:
    """Run `python -m imgassets_tests.documents.facets_table` when this fails."""
    text = facets_table.PAGE.read_text(encoding="utf-8")
    assert facets_table.table() in text
    assert text == facets_table.page(text)
