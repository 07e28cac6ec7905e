"""Families: each is described in one file, complete, and light enough for documents to read."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import imgassets.metrics
from imgassets.documents.contract import Endpoint
from imgassets.documents.facets import facet_names
from imgassets.documents.model import Model
from imgassets.documents.prompts import PromptSet
from imgassets.documents.units import UNITS, unit_of_limit
from imgassets.metrics.families import FAMILIES, METRICS, families_of, of_making
from imgassets.metrics.family import Family
from imgassets.metrics.gone import GONE

FACETS = {
    "endpoints": facet_names(Endpoint),
    "models": facet_names(Model),
    "prompts": facet_names(PromptSet),
}


def test_every_module_that_describes_a_family_is_listed_under_its_name() -> None:
    found = [
        module.name
        for module in pkgutil.iter_modules(imgassets.metrics.__path__)
        if hasattr(importlib.import_module(f"imgassets.metrics.{module.name}"), "FAMILY")
    ]
    assert sorted(found) == sorted(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_family_is_complete(family: Family) -> None:
    """Named as its metrics are, with a question, units that limits can have, and real facets."""
    assert family.version
    assert family.question.endswith("?")
    assert family.depends_on
    assert all(facet in FACETS[kind] for kind, facet in family.depends_on)
    for metric in family.metrics:
        assert metric.family == family.name
        assert metric.summary.endswith(".")
        assert metric.unit in UNITS
        assert unit_of_limit(metric).example
        assert not metric.phrase or metric.phrase.count("{}") == 1
        assert not metric.follows or metric.follows in METRICS


def test_families_look_at_the_flows_of_their_metrics() -> None:
    assert families_of(["generate"]).keys() == {
        "composition", "alignment", "typography", "faces", "artefacts", "look", "cost"
    }  # fmt: skip
    assert families_of(["generate", "edit"])["edit_stability"] == ["edit"]
    assert families_of(["edit", "upscale"])["composition"] == ["edit"]


def test_costs_are_of_the_making_and_all_else_is_of_the_image() -> None:
    assert {m for m in METRICS if of_making(m)} == {m for m in METRICS if m.startswith("cost.")}
    assert not of_making("team.rating")


def test_what_is_gone_is_no_metric_any_more() -> None:
    assert not GONE.keys() & METRICS.keys()


def test_reading_descriptions_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "cv2", "PIL", "scipy", "imgassets.documents.contract")
    code = (
        f"import sys, imgassets.metrics.families; sys.exit(any(m in sys.modules for m in {heavy}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
