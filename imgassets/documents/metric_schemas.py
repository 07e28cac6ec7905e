"""Which metrics, looks and judges a contract can name, as JSON Schemas, from the metrics.

pydantic knows these fields as any text and any number; what fits is said by validators, which a
schema cannot show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from imgassets.documents.unit_schemas import Schema, level_schema, step_schema
from imgassets.documents.units import unit_of_limit
from imgassets.metrics.families import FAMILIES, METRICS, by_people
from imgassets.metrics.family import Metric

_NULL: Schema = {"type": "null"}
#: Those that images have a score of.
_OF_IMAGES = {name: metric for name, metric in METRICS.items() if not by_people(name)}


def of_criterion(schema: Schema) -> None:
    """A metric of the product, and for each the flows, the limits and the margins that fit."""
    _names(schema["properties"]["metric"], METRICS)
    for name in ("floor", "ceiling", "margin"):
        schema["properties"][name].pop("anyOf")
    schema["allOf"] = [_if_metric(alike, _limits(alike[0])) for alike in _alike(METRICS)]


def of_near(schema: Schema) -> None:
    """A metric of the product, with a distance in its unit."""
    _names(schema["properties"]["metric"], _OF_IMAGES)
    within = schema["properties"]["within"]
    for key in ("type", "anyOf", "exclusiveMinimum"):
        within.pop(key, None)
    schema["allOf"] = [
        _if_metric(alike, {"within": step_schema(unit_of_limit(alike[0]))})
        for alike in _alike(_OF_IMAGES)
    ]


def of_disagreement(schema: Schema) -> None:
    """Two shares."""
    shares = [name for name, metric in _OF_IMAGES.items() if metric.unit == "share"]
    schema["properties"]["metrics"]["items"] = {"type": "string", "enum": shares}


def of_review(schema: Schema) -> None:
    """The looks that a margin can be set for."""
    looks = {
        name.removeprefix("look."): step_schema(unit_of_limit(metric))
        | {"description": metric.summary}
        for name, metric in METRICS.items()
        if metric.family == "look" and metric.direction == "same"
    }
    look = schema["properties"]["look"]
    look["properties"], look["additionalProperties"] = looks, False


def of_endpoint(schema: Schema) -> None:
    """Families whose judge can be chosen."""
    judges = schema["properties"]["judges"]
    judges["propertyNames"] = {"enum": [name for name, f in FAMILIES.items() if f.judged]}


def _names(field: Schema, metrics: Iterable[str]) -> None:
    field["enum"] = list(metrics)


def _alike(metrics: Mapping[str, Metric]) -> list[list[Metric]]:
    """Metrics, those together that can be limited in the same way."""
    found: dict[Any, list[Metric]] = {}
    for metric in metrics.values():
        kind = by_people(metric.name)
        key = (repr(unit_of_limit(metric)), metric.direction, metric.flows, kind)
        found.setdefault(key, []).append(metric)
    return list(found.values())


def _if_metric(metrics: list[Metric], properties: Schema) -> Schema:
    named = {"metric": {"enum": [metric.name for metric in metrics]}}
    return {
        "if": {"properties": named, "required": ["metric"]},
        "then": {"properties": properties},
    }


def _limits(metric: Metric) -> Schema:
    """As `Criterion` holds it."""
    unit = unit_of_limit(metric)
    limit = {"anyOf": [*level_schema(unit)["anyOf"], _NULL]}
    right = {"higher": "floor", "lower": "ceiling", "same": ""}[metric.direction]
    if by_people(metric.name):
        only = {"statistic": {"const": "mean"}, "severity": {"enum": ["gating", "warning"]}}
        flow = {"flow": {"enum": list(metric.flows)}}
        return {**flow, "floor": limit, "ceiling": _NULL, "margin": _NULL, **only}
    return {
        "flow": {"enum": list(metric.flows)},
        "floor": limit if right == "floor" else _NULL,
        "ceiling": limit if right == "ceiling" else _NULL,
        "margin": {"anyOf": [*step_schema(unit)["anyOf"], _NULL]},
        **({"statistic": {"const": "mean"}} if not right else {}),
    }
