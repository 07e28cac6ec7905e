"""Schemas take what `check` takes, and refuse the mistakes that they can see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic import ValidationError

from imgassets.documents.contract import Endpoint
from imgassets.documents.judge import EMBEDDED, judge_class
from imgassets.documents.models import model_class
from imgassets.documents.prompts import PromptSet
from imgassets.documents.schemas import FOLDERS, schemas
from imgassets_tests.documents.every_document import judges, write_every_document

ROOT = Path(__file__).parents[2]
VALIDATORS = {name: Draft7Validator(schema) for name, schema in schemas().items()}


def read(text: str) -> Any:
    """As an editor reads YAML: days are texts to it."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def wrong(schema: str, data: Any) -> list[str]:
    return [error.message for error in VALIDATORS[schema].iter_errors(data)]


def shipped() -> Iterator[tuple[str, Path]]:
    for folder, schema in FOLDERS.items():
        for path in (ROOT / folder).rglob("*.yaml"):
            yield schema, path
    for path in EMBEDDED.glob("*.yaml"):
        yield "judge.json", path


@pytest.mark.parametrize("name", VALIDATORS)
def test_it_is_a_schema(name: str) -> None:
    Draft7Validator.check_schema(schemas()[name])


@pytest.mark.parametrize(("schema", "path"), shipped(), ids=lambda value: Path(value).stem)
def test_shipped_documents_are_taken(schema: str, path: Path) -> None:
    assert not wrong(schema, read(path.read_text(encoding="utf-8")))


def test_documents_that_write_every_field_are_taken(tmp_path: Path) -> None:
    write_every_document(tmp_path)
    for folder, schema in FOLDERS.items():
        for path in (tmp_path / folder).glob("*.yaml"):
            assert not wrong(schema, read(path.read_text(encoding="utf-8"))), path.name
    for name, judge in judges().items():
        assert not wrong("judge.json", judge | {"judge": name})


def changed(path: str, old: str, new: str) -> Any:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert old in text
    return read(text.replace(old, new, 1))


ENDPOINT = "contracts/endpoints/headline.yaml"
MODEL = "contracts/models/tiny-base.yaml"
IDEOGRAM = "contracts/models/examples/ideogram-v3-turbo.yaml"
JUDGE = "contracts/judges/examples/detr-resnet-50.yaml"
PROMPTS = "prompts/shapes.yaml"
CLASSES = {"endpoint.json": lambda _: Endpoint, "prompts.json": lambda _: PromptSet} | {
    "model.json": model_class, "judge.json": judge_class
}  # fmt: skip
IN_WORDS = [
    ("endpoint.json", ENDPOINT, "floor: 0.60, margin: 8 points", "floor: 60 %, margin: 8 pp"),
    ("endpoint.json", ENDPOINT, "floor: 0.60", 'floor: "60 Percent"'),
    ("endpoint.json", ENDPOINT, "floor: 0.60", "floor: 5e-2"),
    ("endpoint.json", ENDPOINT, "floor: 0.60", "floor: 60\u00a0%"),
    ("endpoint.json", ENDPOINT, "margin: 3,", "margin: 3 dB,"),
    ("endpoint.json", ENDPOINT, "usd_per_image: 0.0005", "usd_per_image: $1"),
    ("endpoint.json", ENDPOINT, "usd_per_image: 0.0005", "usd_per_image: 4 cents"),
    ("endpoint.json", ENDPOINT, "seconds_per_image: 5", "seconds_per_image: 2.5 s"),
    ("endpoint.json", ENDPOINT, "seconds_per_image: 5", "seconds_per_image: 500 ms"),
    ("endpoint.json", ENDPOINT, "{mode: backend_error, max_rate: 0.02}",
     "{mode: backend_error, max_rate: 2 %}"),
    ("endpoint.json", ENDPOINT, "alpha: 0.05", "alpha: 5 %"),
    ("endpoint.json", ENDPOINT, "{lightness: 1", "{lightness: 1 L*"),
    ("endpoint.json", ENDPOINT, "within: 0.02", "within: 2 points"),
    ("model.json", MODEL, "usd_per_hour: 0.34", "usd_per_hour: 34 cents"),
    ("model.json", MODEL, "steps: 28", 'steps: "28"'),
    ("model.json", MODEL, "steps: 28", "steps: 28.0"),
    ("model.json", MODEL, "guidance_scale: 3.0", "guidance_scale: 3e0"),
    ("model.json", IDEOGRAM, "limits: {max_usd: 20", "limits: {max_usd: $20"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "path", "old", "new"), IN_WORDS)
def test_numbers_in_words_are_taken(schema: str, path: str, old: str, new: str) -> None:
    """By the schema as by the loader."""
    data = changed(path, old, new)
    CLASSES[schema](data).model_validate(data)
    assert not wrong(schema, data)


PLANTED = [
    ("endpoint.json", ENDPOINT, "incumbent:", "incumbant:"),
    ("endpoint.json", ENDPOINT, "incumbent: tiny-base", "incumbent: tiny_base"),
    ("endpoint.json", ENDPOINT, "typography.exact", "typography.exakt"),
    ("endpoint.json", ENDPOINT, "floor: 0.60", "floor: 60"),
    ("endpoint.json", ENDPOINT, "floor: 0.60", "ceiling: 0.60"),
    ("endpoint.json", ENDPOINT, "floor: 0.60", "floor: 60 dB"),
    ("endpoint.json", ENDPOINT, "margin: 0.05", "margin: -0.05"),
    ("endpoint.json", ENDPOINT, "margin: 3,", "margin: 3 %,"),
    ("endpoint.json", ENDPOINT, "flow: upscale", "flow: upscaled"),
    ("endpoint.json", ENDPOINT, "{metric: upscaling.consistency_psnr, flow: upscale",
     "{metric: upscaling.consistency_psnr, flow: generate"),
    ("endpoint.json", ENDPOINT, "mode: backend_error", "mode: backend_eror"),
    ("endpoint.json", ENDPOINT, "severity: review", "severity: blocking"),
    ("endpoint.json", ENDPOINT, "alpha: 0.05", "alpha: 0.5"),
    ("endpoint.json", ENDPOINT, "alpha: 0.05", "alpha: 5 s"),
    ("endpoint.json", ENDPOINT, "usd_per_image: 0.0005", "usd_per_image: 0"),
    ("endpoint.json", ENDPOINT, "usd_per_image: 0.0005", "usd_per_image: 5 euros"),
    ("endpoint.json", ENDPOINT, "seeds: [21, 22]", "seeds: []"),
    ("endpoint.json", ENDPOINT, "sizes: [[96, 96]]", "sizes: [[96]]"),
    ("endpoint.json", ENDPOINT, "sizes: [[96, 96]]", "sizes: [[96, 96, 96]]"),
    ("endpoint.json", ENDPOINT, "{lightness: 1", "{brightness: 1"),
    ("endpoint.json", ENDPOINT, "typography.words]", "typography.ned]"),
    ("endpoint.json", ENDPOINT, "decision:", "judges: {layout: coco-small}\ndecision:"),
    ("model.json", MODEL, "backend: diffusers", "backend: difusers"),
    ("model.json", MODEL, "backend: diffusers\n", ""),
    ("model.json", MODEL, "steps: 28", "steps: many"),
    ("model.json", MODEL, "steps: 28", "steps: 0"),
    ("model.json", MODEL, "steps: 28", "steps: true"),
    ("model.json", MODEL, "dtype: float32", "dtype: float23"),
    ("model.json", MODEL, "kind: compact", "kind: compakt"),
    ("model.json", IDEOGRAM, "api_model: V_3", "api_model: V_4"),
    ("model.json", IDEOGRAM, "limits: {max_usd: 20", "limits: {max_usd: 0"),
    ("judge.json", JUDGE, "kind: object-detection", "kind: object-detector"),
    ("judge.json", JUDGE, "weights:", "weight:"),
    ("prompts.json", PROMPTS, "class:", "klass:"),
    ("prompts.json", PROMPTS, "kind: suffix", "kind: sufix"),
    ("prompts.json", PROMPTS, "position: [left of", "position: [left"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "path", "old", "new"), PLANTED)
def test_planted_mistakes_are_refused(schema: str, path: str, old: str, new: str) -> None:
    """By the schema as by the loader: a schema that is stricter would cry wolf."""
    data = changed(path, old, new)
    assert wrong(schema, data)
    with pytest.raises(ValidationError):
        CLASSES[schema](data).model_validate(data)
