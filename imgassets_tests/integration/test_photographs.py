"""The demo's photographs: each planted fault is caught by the criteria that it is to break."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from imgassets.decision import Verdict
from imgassets.defs.headless import validate
from imgassets.documents.project import load_project
from imgassets.refresh.selection import Selection
from imgassets.starts.files import Start, write_start
from imgassets_tests.demo_photographs.faults import (
    BLANK,
    BLOCKS,
    CUT,
    FACES,
    FAULTS,
    MISSING,
    OBJECTS,
    REPEATED,
    SIZE,
)
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import at_home

ENDPOINT = "photograph"
ALL = {OBJECTS, FACES, BLANK, MISSING, CUT, SIZE, BLOCKS, REPEATED}
#: How a wrong image shows in the scores: a metric, and a score that is wrong.
WRONG = {
    OBJECTS: ("composition", "composition.correct", lambda values: values < 1),
    FACES: ("faces", "faces.count", lambda values: values < 1),
    BLOCKS: ("artefacts", "artefacts.blockiness", lambda values: values > 1.5),
    REPEATED: ("look", "look.repeated", lambda values: values > 0),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Verdict]]:
    """The demo as `imgassets init` writes it; the endpoint's verdicts by model."""
    root = tmp_path_factory.mktemp("photographs")
    write_start(Start.DEMO, root)
    before = os.environ.pop("IMGASSETS_HOME", None)
    with at_home(root) as instance:
        verdicts = validate(load_project(root), instance, Selection(endpoints=(ENDPOINT,)))
    if before is not None:
        os.environ["IMGASSETS_HOME"] = before
    return root, {verdict.model: verdict for verdict in verdicts}


def caught(root: Path, model: str) -> set[tuple[str, str]]:
    """All pairs of prompt and criterion where an image of a model is wrong."""
    made = read_table(root, ENDPOINT, model, "generated")
    found = {
        (row.prompt_id, f"generate__failures_{row.status}")
        for row in made.itertuples()
        if row.status != "ok"
    }
    artefacts = read_table(root, ENDPOINT, model, "artefacts")
    unusable = artefacts[(artefacts["metric"] == "artefacts.clean") & (artefacts["value"] < 1)]
    found |= {(r.prompt_id, f"generate__failures_{r.failure_mode}") for r in unusable.itertuples()}
    for criterion, (table, metric, wrong) in WRONG.items():
        rows = read_table(root, ENDPOINT, model, table)
        rows = rows[rows["metric"] == metric]
        found |= {(prompt, criterion) for prompt in rows[wrong(rows["value"])]["prompt_id"]}
    return found


def test_the_verdicts(judged: tuple[Path, dict[str, Verdict]]) -> None:
    assert {name: verdict.verdict for name, verdict in judged[1].items()} == {
        "photos-production": "GO",
        "photos-webp": "GO",
        "photos-trial": "NO-GO",
    }


def test_each_criterion_that_faults_were_planted_for_is_broken(
    judged: tuple[Path, dict[str, Verdict]],
) -> None:
    states = {c["criterion"]: c["state"] for c in judged[1]["photos-trial"].criteria}
    assert {fault.caught_by[0] for fault in FAULTS.values()} == ALL
    assert {name: states[name] for name in ALL} == dict.fromkeys(ALL, "broken")


def test_each_fault_is_seen_in_its_own_image(judged: tuple[Path, dict[str, Verdict]]) -> None:
    found = caught(judged[0], "photos-trial")
    missed = {
        name: fault.told
        for name, fault in FAULTS.items()
        if (name, fault.caught_by[0]) not in found
    }
    assert missed == {}


def test_nothing_else_is_called_wrong(judged: tuple[Path, dict[str, Verdict]]) -> None:
    planted = {(name, one) for name, fault in FAULTS.items() for one in fault.caught_by}
    # Of two images that are the same each repeats the other.
    planted |= {(fault.image_of, REPEATED) for fault in FAULTS.values() if fault.image_of}
    assert caught(judged[0], "photos-trial") <= planted
    assert caught(judged[0], "photos-production") == set()
    assert caught(judged[0], "photos-webp") == set()


def test_failed_images_count_against_the_model(judged: tuple[Path, dict[str, Verdict]]) -> None:
    """As wrong, like the pictures that show something else."""
    objects = sum(OBJECTS in fault.caught_by for fault in FAULTS.values())
    by_name = {c["criterion"]: c for c in judged[1]["photos-trial"].criteria}
    assert objects == 18
    assert by_name[OBJECTS]["value"] == pytest.approx(1 - objects / 40)


def test_a_blank_is_an_image_and_its_failure_is_found_by_looking(
    judged: tuple[Path, dict[str, Verdict]],
) -> None:
    made: pd.DataFrame = read_table(judged[0], ENDPOINT, "photos-trial", "generated")
    failed = sorted(made[made["status"] != "ok"]["status"])
    assert failed == ["no_file", "unreadable", "wrong_size"]
