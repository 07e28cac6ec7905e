"""Whether a pilot holds for the documents as they are now, as a rollout asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.pilot.state import fingerprints, pilot_state
from imgassets.refresh.observed.pilots import PILOTS
from imgassets.storage.project_home import home_of
from imgassets_tests.conftest import edit_file
from imgassets_tests.pilot.projects import made_pilot, with_pilot

PILOT = {"requests": 100, "ceilings": {"p95_seconds": 1}}


def keep(
    root: Path, latencies: list[float], pilot: dict[str, object] = PILOT, **result: str
) -> None:
    project = with_pilot(root, pilot)
    document = project.endpoint("cards").pilot
    assert document is not None
    found = fingerprints(project, "cards", "prod", document, "cpu")
    folder = home_of(root).pilot("cards", "prod")
    folder.mkdir(parents=True, exist_ok=True)
    made_pilot(latencies, fingerprints=found, **result).write(folder)


def state(root: Path) -> tuple[str, str]:
    found = pilot_state(load_project(root), "cards", "prod")
    return found.state, found.reason


def test_without_a_pilot_in_the_contract_there_is_nothing_to_ask(project_root: Path) -> None:
    with_pilot(project_root, None)
    assert state(project_root) == ("holds", "the contract of cards asks for no pilot")


def test_missing_until_it_was_run_then_it_holds(project_root: Path) -> None:
    with_pilot(project_root, PILOT)
    assert state(project_root)[0] == "missing"
    assert "imgassets pilot --endpoint cards --model prod" in state(project_root)[1]
    keep(project_root, [0.1] * 100)
    assert state(project_root)[0] == "holds"


def test_a_ceiling_that_does_not_hold_fails_it_with_the_reason(project_root: Path) -> None:
    keep(project_root, [0.1, 3.0] * 50)
    found, why = state(project_root)
    assert found == "failed"
    assert "p95_seconds" in why


def test_a_changed_ceiling_is_held_to_what_was_measured(project_root: Path) -> None:
    keep(project_root, [0.1, 3.0] * 50)
    with_pilot(project_root, PILOT | {"ceilings": {"p95_seconds": 5}})
    assert state(project_root)[0] == "holds"


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("contracts/models/prod.yaml", "steps: 4", "steps: 5", "models/prod/generator"),
        ("contracts/models/prod.yaml", "batch_size: 4", "batch_size: 2", "models/prod/"),
        ("contracts/models/prod.yaml", "usd_per_hour: 0.34", "usd_per_hour: 3", "prod/price"),
        ("prompts/few.yaml", "a large red circle", "a small red circle", "prompts/few"),
        ("contracts/endpoints/cards.yaml", "busiest_hour: 36000", "busiest_hour: 3", "traffic"),
        ("contracts/endpoints/cards.yaml", "requests: 100", "requests: 101", "traffic"),
    ],
)
def test_what_it_depends_on_makes_it_stale(
    file: str, old: str, new: str, named: str, project_root: Path
) -> None:
    keep(project_root, [0.1] * 100)
    edit_file(project_root / file, old, new)
    found, why = state(project_root)
    assert found == "stale"
    assert named in why


def test_a_description_makes_nothing_stale(project_root: Path) -> None:
    keep(project_root, [0.1] * 100)
    path = project_root / "contracts/models/prod.yaml"
    path.write_text(path.read_text() + "description: another\n")
    assert state(project_root)[0] == "holds"


def test_a_trace_counts_by_its_content(project_root: Path) -> None:
    trace = project_root / "a.csv"
    trace.write_text("time,prompt_id\n0,word\n")
    keep(project_root, [0.1], {"trace": "a.csv"})
    assert state(project_root)[0] == "holds"
    trace.write_text("time,prompt_id\n0,word\n1,word\n")
    assert state(project_root)[0] == "stale"


def test_a_file_that_cannot_be_read_is_no_pilot(project_root: Path) -> None:
    keep(project_root, [0.1] * 100)
    (home_of(project_root).pilot("cards", "prod") / "requests.jsonl").write_text("{")
    found, why = state(project_root)
    assert found == "missing"
    assert "run it again" in why


def version(root: Path) -> str:
    """Of what a report tells of the pilot of prod."""
    states = {state.key: state.version for state in PILOTS.states(load_project(root), "cpu")}
    return states["cards/prod/last_pilot"]


def test_a_report_is_out_of_date_by_a_new_pilot_and_by_one_that_holds_no_more(
    project_root: Path,
) -> None:
    with_pilot(project_root, PILOT)
    none = version(project_root)
    keep(project_root, [0.1] * 100)
    first = version(project_root)
    assert version(project_root) == first != none
    keep(project_root, [0.1] * 100, started="2026-11-28T16:00:00+00:00")
    second = version(project_root)
    assert second != first
    with_pilot(project_root, PILOT | {"ceilings": {"p95_seconds": 0.01}})
    assert version(project_root) != second


def test_without_a_pilot_in_the_contract_no_report_waits_for_one(project_root: Path) -> None:
    with_pilot(project_root, None)
    assert PILOTS.keys(load_project(project_root)) == {}
