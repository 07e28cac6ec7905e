"""All metric families: the only list. Tables, lineage, documents, docs and words follow from it."""

from __future__ import annotations

from collections.abc import Sequence

from imgassets.flows import FlowName
from imgassets.metrics import (
    alignment,
    artefacts,
    composition,
    cost,
    edit_stability,
    faces,
    look,
    review,
    stylization,
    typography,
    upscaling,
)
from imgassets.metrics.family import Family, Metric

#: By name, in the order of documentation.
FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        composition,
        alignment,
        typography,
        faces,
        artefacts,
        edit_stability,
        stylization,
        upscaling,
        look,
        cost,
        review,
    )
}
#: Every metric a contract can name, by name.
METRICS: dict[str, Metric] = {
    metric.name: metric for family in FAMILIES.values() for metric in family.metrics
}
#: By family; see `Family.version`.
FAMILY_VERSIONS: dict[str, str] = {name: family.version for name, family in FAMILIES.items()}


def families_of(flows: Sequence[FlowName]) -> dict[str, list[FlowName]]:
    """Names of the families that score images of these flows, with the flows each looks at."""
    looked_at = {
        name: [flow for flow in flows if family.measured_on(flow)]
        for name, family in FAMILIES.items()
        if not family.by_people
    }
    return {name: seen for name, seen in looked_at.items() if seen}


def of_making(metric: str) -> bool:
    """Whether a metric measures the making of an image and not the image."""
    family = FAMILIES.get(metric.partition(".")[0])
    return family is not None and family.of_making


def by_people(metric: str) -> bool:
    """Whether people's answers on pairs give a metric's numbers, and no image has a score."""
    family = FAMILIES.get(metric.partition(".")[0])
    return family is not None and family.by_people
