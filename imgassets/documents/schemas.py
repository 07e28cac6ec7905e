"""JSON Schemas of the documents, from their pydantic models, for editors that complete and check.

They take all that `imgassets check` takes, numbers in words included ("70 %", "$1"). They do not
know what one document says of another, nor what lies on the disk: `check` remains the judge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from imgassets.documents import scalars
from imgassets.documents.contract import Endpoint
from imgassets.documents.judge import _BY_KIND as JUDGES
from imgassets.documents.models import BY_BACKEND as MODELS
from imgassets.documents.prompts import PromptSet
from imgassets.documents.unit_schemas import Schema, either, level_schema
from imgassets.documents.units import UNITS, InUnit, level

#: Editors know this one; of later drafts many know but a part.
DRAFT = "http://json-schema.org/draft-07/schema#"
#: A number as the scalars take it in quotes.
_QUOTED = {"type": "string", "pattern": f"^(?:{scalars.DECIMAL.pattern})$"}


class _Generator(GenerateJsonSchema):
    """pydantic's, with what our own validators take before pydantic looks."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> dict[str, Any]:
        inner, function = self.generate_inner(schema["schema"]), schema["function"]["function"]
        if scalars.reads_numbers(function):
            return {"anyOf": [inner, _QUOTED]}
        if isinstance(function, InUnit):
            unit, number = UNITS[function.unit], inner["anyOf"][0]
            range_ = level_schema(unit)["anyOf"][0] if function.read is level else {}
            return either(unit, range_ | number)
        return super().function_before_schema(schema)

    def tuple_schema(self, schema: core_schema.TupleSchema) -> dict[str, Any]:
        made = super().tuple_schema(schema)
        if "prefixItems" in made:  # of a later draft
            made["items"], made["additionalItems"] = made.pop("prefixItems"), False
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's
        return False  # `usd_per_image` needs no "Usd Per Image"

    def generate(self, schema: Any, mode: JsonSchemaMode = "validation") -> dict[str, Any]:
        return _bounded(super().generate(schema, mode))

    def generate_definitions(self, inputs: Any) -> Any:
        places, definitions = super().generate_definitions(inputs)
        return places, _bounded(definitions)


#: What pydantic leaves beside `anyOf` of what a field says of its number.
_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def _bounded(part: Any) -> Any:
    """One flat `anyOf`, with bounds where editors look: at the numbers that a field may be."""
    if isinstance(part, list):
        return [_bounded(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: _bounded(value) for key, value in part.items()}
    if "anyOf" in part:
        bounds = {_BOUNDS[key]: part.pop(key) for key in _BOUNDS if key in part}
        choices = [c["anyOf"] if c.keys() == {"anyOf"} else [c] for c in part["anyOf"]]
        part["anyOf"] = [
            choice | (bounds if choice.get("type") in ("number", "integer") else {})
            for several in choices
            for choice in several
        ]
    return part


def schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by the file's name."""
    return {
        "endpoint.json": _one(Endpoint, "contracts/endpoints/NAME.yaml"),
        "model.json": _several(MODELS, "backend", "contracts/models/NAME.yaml"),
        "judge.json": _several(JUDGES, "kind", "contracts/judges/NAME.yaml"),
        "prompts.json": _one(PromptSet, "prompts/NAME.yaml"),
    }


#: The schema of the documents in each folder.
FOLDERS = {
    "contracts/endpoints": "endpoint.json",
    "contracts/models": "model.json",
    "contracts/judges": "judge.json",
    "prompts": "prompts.json",
}


def schema_texts() -> dict[str, str]:
    """What is written into each file."""
    return {
        name: json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        for name, schema in schemas().items()
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write all of them into a folder; those of another version give way."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths


def editor_line(schema: str) -> str:
    """The line that tells an editor which schema a YAML file follows; a path or an address."""
    return f"# yaml-language-server: $schema={schema}"


def schema_of(document: type[BaseModel]) -> Schema:
    """The schema of a document or a part of one, with all that it refers to in `$defs`."""
    return document.model_json_schema(schema_generator=_Generator)


def _one(document: type[BaseModel], title: str) -> Schema:
    return {"$schema": DRAFT} | schema_of(document) | {"title": title}


def _several(documents: Mapping[str, type[BaseModel]], field: str, title: str) -> Schema:
    """By a field that must say which: else an editor would complain of what all of them miss."""
    classes = list(dict.fromkeys(documents.values()))
    places, definitions = models_json_schema(
        [(cls, "validation") for cls in classes], schema_generator=_Generator
    )
    return {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "required": [field],
        "properties": {field: {"enum": list(documents)}},
        "allOf": [
            {
                "if": {"properties": {field: {"const": name}}, "required": [field]},
                "then": places[cls, "validation"],
            }
            for name, cls in documents.items()
        ],
        **definitions,
    }
