"""What fields Kubernetes' objects have, by its own Python client; no cluster is needed.

The client is made from the API's description, so a misspelt field is found here as a server would
find it. Names and plain types are known, not which values are allowed.
"""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes.client import models

#: Charts' schemas name types so: io.k8s.api.core.v1.Container.
_PLACES = ("io.k8s.api.core.v1", "io.k8s.api.apps.v1", "io.k8s.apimachinery.pkg.apis.meta.v1")
_PLAIN = {"str": "string", "int": "integer", "bool": "boolean", "float": "number"}
_KINDS = {name: getattr(models, name) for name in dir(models) if name.startswith("V1")}


def definitions() -> dict[str, Any]:
    """All types, as a JSON schema with the names that a chart's schema calls them by.

    A chart's schema refers to one that a web site serves; this one stands in for it.
    """
    return {
        "$schema": Draft202012Validator.META_SCHEMA["$id"],
        "definitions": {
            f"{place}.{kind.removeprefix('V1')}": _object(kind)
            for kind in _KINDS
            for place in _PLACES
        },
    }


def unknown_fields(kind: str, manifest: Any) -> list[str]:
    """What is wrong in an object of a manifest, a line each.

    Args:
        kind: such as `Deployment`.
        manifest: with the names that a manifest has, such as `nodeSelector`.
    """
    schema = definitions() | _ref(f"V1{kind}")
    errors = Draft202012Validator(schema).iter_errors(manifest)
    return [f"{kind}{error.json_path[1:]}: {error.message[:200]}" for error in errors]


def _object(kind: str) -> dict[str, Any]:
    model = _KINDS[kind]
    types = {model.attribute_map[name]: text for name, text in model.openapi_types.items()}
    return {
        "type": ["object", "null"],
        "properties": {name: _schema(text) for name, text in types.items()},
        "additionalProperties": kind == "V1Probe",  # to which charts add `enabled`
    }


def _schema(kind: str) -> dict[str, Any]:
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        return {"type": ["array", "null"], "items": _schema(inner[1])}
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        return {"type": ["object", "null"], "additionalProperties": _schema(inner[1])}
    if kind in _PLAIN:
        return {"type": [_PLAIN[kind], "null"]}
    return _ref(kind) if kind in _KINDS else {}


def _ref(kind: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{_PLACES[0]}.{kind.removeprefix('V1')}"}
