"""Holds `docs/deploy/kubernetes/values.yaml` against the schema of Dagster's Helm chart.

    python -m imgassets_tests.deploy.chart CHART

CHART is the chart's folder: `helm pull dagster/dagster --version 1.13.27 --untar`. The schema is
not in this repository, since it is Dagster's; a test does the same where $DAGSTER_CHART is set.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from imgassets_tests.deploy.kubernetes_shapes import definitions

VALUES = Path(__file__).parents[2] / "docs/deploy/kubernetes/values.yaml"
_SUBCHART = "dagster-user-deployments"


def problems(chart: Path, values: dict[str, Any]) -> list[str]:
    """What the chart's schema, and that of the part for user code, refuse; a line each.

    Args:
        chart: its folder.
        values: laid over the chart's own, as Helm does.
    """
    merged = over(_read(chart / "values.yaml"), values)
    part = chart / "charts" / _SUBCHART
    return [
        *_refused(chart / "values.schema.json", merged),
        *_refused(
            part / "values.schema.json", over(_read(part / "values.yaml"), merged[_SUBCHART])
        ),
    ]


def over(below: Any, above: Any) -> Any:
    """Values laid over others: objects are merged, everything else is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {name: over(below.get(name), value) for name, value in above.items()}


def _refused(schema: Path, values: Any) -> Iterator[str]:
    kubernetes = Resource.from_contents(definitions())
    registry: Registry[Any] = Registry(retrieve=lambda _: kubernetes)
    validator = Draft202012Validator(json.loads(schema.read_text()), registry=registry)
    for error in validator.iter_errors(values):
        inner = best_match([error]) or error  # of `anyOf`, what came nearest
        yield f"{schema.parent.name}{inner.json_path[1:]}: {inner.message[:300]}"


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]), _read(VALUES))
    print("\n".join(found) or f"{VALUES.name} fits the chart in {sys.argv[1]}")
    sys.exit(bool(found))
