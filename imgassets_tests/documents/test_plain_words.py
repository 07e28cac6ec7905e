"""Whatever is written into whatever field: the problem is told in words, once, and with its fix."""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from imgassets.documents.base import Document
from imgassets.documents.contract import Endpoint
from imgassets.documents.gemini import GeminiModel
from imgassets.documents.ideogram import IdeogramModel
from imgassets.documents.model import Model
from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.project import load_project, read_document
from imgassets.documents.prompts import Edit, PromptSet
from imgassets.documents.scalars import is_blank
from imgassets_tests.conftest import ENDPOINT, MODEL, PROMPTS, edit_file
from imgassets_tests.documents.test_hosted_documents import GEMINI, IDEOGRAM

#: Words of Python and of pydantic that mean nothing to who writes a document.
PYTHON = re.compile(
    r"\b(valid (tuple|dictionary|string|integer|number|list|boolean|date)|instance|dictionary|"
    r"tuple|Tuple|dict|Input should|[Ii]nput|Extra inputs|None|NoneType|True|False|datetime|bool|"
    r"boolean|str|int|float|type=|validation|parse|String should|List should|unable|"
    r"something else|discriminator|Keys? should|Field required)\b"
)
WRONG: list[Any] = [
    None, True, -1, 0.5, 10**30, float("nan"), "", "\u200b", "x" * 99, [], [1], list("abcdef"),
    {}, {"a": 1}, {True: 3}, [{}], [{"kind": "nothing"}], datetime.date(2026, 1, 1),
    datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC),
]  # fmt: skip
MORE_OF_MODEL = """\
revision: null
description: x
dtype: float32
stylize: {pipeline: null, steps: 2, guidance_scale: 1.0, strength: 0.5}
loading:
  variant: fp16
  quantization: {backend: torchao, components: [transformer], settings: {quant_type: int8wo}}
  offload: model
  vae_tiling: true
  attention: math
  compile: {components: [transformer], backend: inductor, mode: a, fullgraph: true, dynamic: true}
"""
MORE_OF_ENDPOINT = """\
sources: {upscale: edit}
postprocess: [{kind: resize, size: [128, 128], filter: area}, {kind: convert, format: PNG},
  {kind: watermark, text: a, height: 0.1, margin: 2, opacity: 0.5},
  {kind: sharpen, radius: 1.0, amount: 0.5, threshold: 1}]
stylize: {transforms: [{name: a, kind: negative_prompt, text: b}]}
traffic: {busiest_hour: 5, workers: 1, batch: 1, per_month: {generate: 5}}
review: {look: {lightness: 1}, near: [{metric: composition.correct, within: 0.1}],
  disagree: [{metrics: [artefacts.clean, typography.exact], max_rate: 0.1}]}
decision: {alpha: 0.05}
"""
DOCUMENTS: dict[str, tuple[type[Document], str]] = {
    "endpoint": (Endpoint, ENDPOINT + MORE_OF_ENDPOINT),
    "model": (
        Model,
        MODEL.format(name="prod", weights="tiny-base", shift=2.0, steps=4) + MORE_OF_MODEL,
    ),
    "ideogram": (IdeogramModel, IDEOGRAM),
    "gemini": (GeminiModel, GEMINI),
    "prompts": (
        PromptSet,
        PROMPTS + "description: x\n",
    ),
}


def places(value: Any, model: Any = None) -> Iterator[tuple[Any, ...]]:
    """Every field of a parsed document, and those of its models that it leaves out."""
    yield ()
    if isinstance(value, dict):
        fields = model.model_fields if isinstance(model, type) else {}
        for key in [*value, *(f.alias or n for n, f in fields.items())]:
            if key not in value:
                yield (key,)
            else:
                yield from ((key, *rest) for rest in places(value[key]))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from ((i, *rest) for rest in places(item))


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    return changed


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_no_problem_speaks_python_and_none_follows_from_another(tmp_path: Path, kind: str) -> None:
    model, text = DOCUMENTS[kind]
    valid = yaml.safe_load(text)
    path, tried, told = tmp_path / "a.yaml", 0, 0
    for place in places(valid, model):
        for wrong in WRONG:
            changed = put(valid, place, wrong)
            path.write_text(yaml.dump(changed, Dumper=yaml.CSafeDumper, sort_keys=False))
            problems = problems_of(path, model)
            tried, told = tried + 1, told + bool(problems)
            fields = [p.field for p in problems]
            assert len(fields) == len(set(fields)), (place, wrong, problems)
            for problem in problems:
                assert problem.fix, (place, wrong, problem)
                # What people wrote may hold any word; it is shown in quotes.
                said = re.sub(r"\"[^\"]*\"|`[^`]*`", "", f"{problem.message} {problem.fix}")
                assert not PYTHON.search(said), (place, wrong, problem)
                inside = (f"{problem.field}.", f"{problem.field}[")
                assert not (problem.field and any(f.startswith(inside) for f in fields)), problems
    assert told > tried / 3


def problems_of(path: Path, model: type[Document]) -> tuple[Problem, ...]:
    try:
        read_document(path, model)
    except InvalidDocumentsError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("old", "new", "field", "says", "fix"),
    [
        ("prompt: a large red circle", "prompt: NO", "prompts[0].prompt", "false", '"NO"'),
        ("prompt: a large red circle", "prompt: on", "prompts[0].prompt", "true", '"on"'),
        ("prompt: a large red circle", "prompt: 12:30", "prompts[0].prompt", "750", '"12:30"'),
        ("prompt: a large red circle", "prompt: 007", "prompts[0].prompt", "number 7", '"007"'),
        ("prompt: a large red circle", "prompt: 2026", "prompts[0].prompt", "2026", '"2026"'),
        ("prompt: a large red circle", "prompt: 1.50", "prompts[0].prompt", "1.5", '"1.50"'),
        ("prompt: a large red circle", "prompt: 1_000", "prompts[0].prompt", "1000", '"1_000"'),
        ("prompt: a large red circle", "prompt: 1e3", "", "", ""),
        ("prompt: a large red circle", "prompt: .inf", "prompts[0].prompt", "inf", '".inf"'),
        ("prompt: a large red circle", "prompt: 2026-01-01", "prompts[0].prompt", "day", '01"'),
        ("prompt: a large red circle", "prompt: ~", "prompts[0].prompt", "nothing", '"~"'),
        ("prompt: a large red circle", "prompt: null", "prompts[0].prompt", "nothing", '"null"'),
        ("prompt: a large red circle", "prompt:", "prompts[0].prompt", "nothing", "write the text"),
        ("prompt: a large red circle", "prompt: ''", "prompts[0].prompt", "at least 1", ""),
        ("prompt: a large red circle", "prompt: ' '", "prompts[0].prompt", "can be seen", ""),
        ("prompt: a large blue square", 'prompt: "\\u200b"', "edit.prompt", "can be seen", ""),
        ('text: " on white"', 'text: "\\u2800\\t"', "transforms[0].text", "can be seen", ""),
        ('text: " on white"', "text: null", "transforms[0].text", "nothing", '"null"'),
        ("kind: suffix, text", "kind: negative_prompt, text", "", "", ""),
        ('suffix, text: " on white"', 'negative_prompt, text: ""', "[0].text", "at least", ""),
        ("prompt: two green stars", 'prompt: a "50% off" #1', "prompts[1].prompt", "#1", "quotes"),
        ("prompt: two green stars", "prompt: #ff0000 stars", "prompts[1].prompt", "lost", "#ff0"),
        ("prompt: two green stars", "prompt: two stars # a comment", "", "", ""),
        ("prompt: two green stars", 'prompt: "two stars" #fine', "", "", ""),
        ("count: 2,", "count: 020,", "include[0].count", "16", "decimal"),
        ("count: 2,", "count: 0x2,", "include[0].count", "number 2", "decimal"),
        ("count: 2,", "count: 0b10,", "include[0].count", "number 2", "decimal"),
        ("count: 2,", "count: 1:30,", "include[0].count", "90", "decimal"),
        ("count: 2,", "count: 1_0,", "include[0].count", "10", "decimal"),
        ("count: 2,", "count: yes,", "include[0].count", "true", ""),
        ("count: 2,", "count: 2.5,", "include[0].count", "whole number", ""),
        ('color: green}', "color: no}", "include[0].color", "false", '"no"'),
        ("region: [0.0, 0.0, 0.5, 1.0]", "region: [0.0, 0.5]", "region", "4 entries; found: 2", ""),
        ("region: [0.0, 0.0, 0.5, 1.0]", "region: [0, 0, yes, 1]", "region[2]", "true", ""),
        ("region: [0.0, 0.0, 0.5, 1.0]", "region: 5", "edit.region", "a list", ""),
        ("- id: word\n", "- word\n  - id: word\n", "prompts[2]", "fields", "id, prompt"),
        ("kind: suffix", "kind: sufix", "transforms[0]", 'unknown `kind` "sufix"', "suffix"),
        (", kind: suffix", "", "transforms[0]", "`kind` is missing", "add `kind`"),
    ],
)  # fmt: skip
def test_what_yaml_read_otherwise_is_told_with_its_fix(
    project_root: Path, old: str, new: str, field: str, says: str, fix: str
) -> None:
    """Exactly one problem: none follows from the first. Without words: nothing is wrong."""
    edit_file(project_root / "prompts/few.yaml", old, new)
    problems = load_project(project_root).problems
    if not (field or says):
        assert problems == ()
        return
    (problem,) = problems
    assert field in problem.field
    assert says in problem.message
    assert fix in problem.fix
    assert "line" not in problem.message


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("steps: 4", "steps: yes", "sampling.steps"),
        ("steps: 4", "steps: 020", "sampling.steps"),
        ("steps: 4", "steps: '020'", "sampling.steps"),
        ("steps: 4", "steps: 0o20", "sampling.steps"),
        ("guidance_scale: 1.0, max", "guidance_scale: no, max", "sampling.guidance_scale"),
        ("guidance_scale: 1.0, max", "guidance_scale: 1:30, max", "sampling.guidance_scale"),
        ("guidance_scale: 1.0, max", "guidance_scale: 1_0.5, max", "sampling.guidance_scale"),
        ("usd_per_hour: 0.34", "usd_per_hour: off", "price.usd_per_hour"),
        ("as_of: 2026-11-24", "as_of: 0", "price.as_of"),
        ("as_of: 2026-11-24", "as_of: 2026", "price.as_of"),
        ("as_of: 2026-11-24", "as_of: soon", "price.as_of"),
        ("shift: 2.0", "shift: 0_2", "scheduler.settings.shift"),
        ("batch_size: 4\n", "batch_size: 4\nloading: {vae_tiling: 1}\n", "loading.vae_tiling"),
        ("batch_size: 4\n", "batch_size: 4\nloading: {vae_tiling: 'no'}\n", "loading.vae_tiling"),
        ("backend: diffusers", "backend: midjourney", "backend"),
    ],
)  # fmt: skip
def test_booleans_numbers_and_days_are_never_taken_for_another(
    project_root: Path, old: str, new: str, field: str
) -> None:
    edit_file(project_root / "contracts/models/prod.yaml", old, new)
    (problem,) = load_project(project_root).problems
    assert problem.field == field


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps: 4", "steps: 4.0"),
        ("usd_per_hour: 0.34", "usd_per_hour: 1e-3"),
        ("usd_per_hour: 0.34", "usd_per_hour: .34"),
        ("as_of: 2026-11-24", 'as_of: "2026-11-24"'),
        ("batch_size: 4\n", "batch_size: 4\nloading: {vae_tiling: yes}\n"),
        ("shift: 2.0", "shift: 2"),
    ],
)
def test_what_is_meant_as_it_reads_stays_valid(project_root: Path, old: str, new: str) -> None:
    edit_file(project_root / "contracts/models/prod.yaml", old, new)
    assert load_project(project_root).problems == ()


def test_magic_words_that_yaml_takes_for_booleans_are_told(project_root: Path) -> None:
    path = project_root / "contracts/models/fast.yaml"
    path.write_text(IDEOGRAM + "magic_prompt: OFF\n")
    problems = [p for p in load_project(project_root).problems if p.field == "magic_prompt"]
    assert [p.fix for p in problems] == ['put it in quotes: "OFF"']


@pytest.mark.parametrize(
    ("text", "says", "fix"),
    [
        ("a: 1\na: 2\n", "appears twice", "keep one"),
        ("a:\n\t- 1\n", "not valid YAML", "spaces, not with tabs"),
        ("a: {b: x #1, c: 2}\n", "not valid YAML", "comment"),
        ("a: [\n  # why\n  - b\n", "not valid YAML", "close each `[`"),
        ("a: &a [*a]\n", "holds itself", "write the value out"),
        ("a: 2026-13-45\n", "read as a date", "quotes"),
        ("a: !!bool maybe\n", "read as true or false", "quotes"),
        ("a: !!python/name:os.system x\n", "not known here", ""),
        ("a: !!map b\n", "cannot be read", ""),
        ("a: 1\n---\nb: 2\n", "another document", ""),
    ],
)
def test_text_that_is_no_yaml_is_told_in_words(
    tmp_path: Path, text: str, says: str, fix: str
) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InvalidDocumentsError) as caught:
        read_document(tmp_path / "a.yaml", PromptSet)
    (problem,) = caught.value.problems
    assert says in problem.message
    assert fix in problem.fix


def test_anchors_and_merge_keys_work(project_root: Path) -> None:
    edit_file(
        project_root / "prompts/few.yaml",
        "expect: {text: HI}",
        "expect: &hi {text: HI}\n  - {id: again, prompt: x, expect: {<<: *hi, background: white}}",
    )
    project = load_project(project_root)
    assert project.problems == ()
    again = project.prompt_sets["few"].document.prompts[-1].expect
    assert (again.text, again.background) == ("HI", "white")


def test_a_byte_order_mark_is_no_part_of_a_document(project_root: Path) -> None:
    path = project_root / "prompts/few.yaml"
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert load_project(project_root).problems == ()


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u200b\u2060", "\u3164", "\u2800", "\ufe0f"])
def test_blank_texts(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " a ", "\u0410", "!", "\u200bx", "\u2764\ufe0f", "\u0301a"])
def test_texts_that_show_something(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize("model", [Edit, PromptSet, Model, Endpoint])
def test_documents_are_strict_without_yaml_too(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(model).validate_python(True)
