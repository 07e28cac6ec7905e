"""The section on pilots: the last one of each model, escaped; nothing where none is asked for."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from imgassets.documents.project import load_project
from imgassets.pilot.for_report import last_pilots
from imgassets.pilot.picture import picture
from imgassets.pilot.result import PICTURE
from imgassets.pilot.state import fingerprints
from imgassets.report.inputs import ReportInput
from imgassets.report.page import render_html
from imgassets.report.pilot_view import LastPilot
from imgassets.storage.project_home import home_of
from imgassets_tests.pilot.projects import made_pilot, with_pilot

PILOT = {"requests": 100, "ceilings": {"p95_seconds": 1}}


def test_without_pilots_the_page_has_no_such_section(made_up: ReportInput) -> None:
    assert 'id="pilots"' not in render_html(made_up)


def test_the_section_shows_state_and_measures(made_up: ReportInput) -> None:
    pilots = [
        LastPilot("tiny-new", "holds", "<b>held</b>", {"p95": "1.2 s (ceiling 2 s)"}),
        LastPilot("tiny-turbo", "missing", "had no pilot"),
    ]
    page = render_html(replace(made_up, pilots=pilots))
    section = page[page.index('<section id="pilots"') :]
    assert "does not hold" not in section
    assert "&lt;b&gt;held" in section
    assert "1.2\u00a0s (ceiling 2\u00a0s)" in section
    assert "not run" in section
    assert '<a href="#pilots">' in page


def test_pilots_of_a_project_with_their_pictures(project_root: Path) -> None:
    project = with_pilot(project_root, PILOT)
    document = project.endpoint("cards").pilot
    assert document is not None
    folder = home_of(project_root).pilot("cards", "prod")
    folder.mkdir(parents=True)
    found = fingerprints(project, "cards", "prod", document, "cpu")
    pilot = made_pilot([0.1] * 99 + [-2.0], fingerprints=found, service=[0.05, 0.06])
    pilot.write(folder)
    (folder / PICTURE).write_text(picture(pilot))
    first, second = last_pilots(project, "cards")
    assert (first.model, first.state) == ("prod", "holds")
    assert first.measures["p95"].endswith("(ceiling 1 s)")
    assert first.measures["Failed"] == "1.00 %"
    assert first.measures["Simulated queue, p95"]
    drawn = base64.b64decode(first.picture.partition(",")[2]).decode()
    assert drawn.count("<circle") == 99
    assert "Crosses: 1 failed." in drawn
    assert (second.model, second.state, second.picture) == ("fast", "missing", "")


def test_a_contract_without_a_pilot_shows_none(project_root: Path) -> None:
    assert last_pilots(load_project(project_root), "cards") == []
