"""`imgassets report`: what was made, as it was made; and a clear word when nothing was."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from imgassets.cli.main import main
from imgassets.report.build import build_report
from imgassets.report.history import KeptReport
from imgassets.storage.project_home import ProjectHome
from imgassets_tests.conftest import edit_file
from imgassets_tests.report.factories import BASE, report_input


@pytest.fixture
def home(project_root: Path) -> Path:
    return project_root / ".imgassets"


def made(home: Path, endpoint: str, *models: str) -> None:
    report = report_input(models or (BASE,), prompts=60)
    KeptReport(ProjectHome(home).reports(endpoint)).write(build_report(report), None)


def test_nothing_made_yet(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 2
    assert "run `imgassets validate --endpoint cards` first" in capsys.readouterr().err
    assert main(["report", "--endpoint", "nope"]) == 2
    assert "there are: cards" in capsys.readouterr().err


def test_each_form_is_what_the_asset_wrote(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(home, "cards", "tiny-turbo")
    for form, file in (("md", "summary.md"), ("html", "report.html"), ("json", "report.json")):
        assert main(["report", "--format", form]) == 1  # a NO-GO
        written = (home / "reports" / "cards" / file).read_text()
        printed = [x for x in capsys.readouterr().out.splitlines() if "Not up to date" not in x]
        assert "\n".join(printed).strip() == written.strip()


def test_a_report_that_no_known_run_made_says_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On top of what people read, and on standard error; --fresh exits 2."""
    made(home, "cards", BASE)
    assert main(["report"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("> \u26a0\ufe0f **Not up to date**: no run of this project")
    assert "run `imgassets validate`" in said.err
    assert main(["report", "--fresh", "--format", "html"]) == 2
    top = capsys.readouterr().out.partition("<h1>")[0]
    assert '<p class="stale" role="alert">' in top


def test_a_report_of_another_project_says_whose_it_is(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project that was copied brings reports that another one made; no file is touched."""
    made(home, "cards", BASE)
    mark = home / ".imgassets-project"
    mark.write_text("/somewhere/<b>else</b>\n")
    assert main(["report", "--format", "html"]) == 0
    said = capsys.readouterr()
    assert "made by the project /somewhere/<b>else</b>, not by" in said.err
    assert "/somewhere/&lt;b&gt;else" in said.out
    assert "<b>else" not in said.out
    assert main(["report", "--fresh"]) == 2
    assert mark.read_text() == "/somewhere/<b>else</b>\n"
    capsys.readouterr()
    mark.write_text(f"{tmp_path}\n")
    assert main(["report"]) == 0
    assert "/somewhere" not in capsys.readouterr().err


def test_a_go_is_exit_code_0_and_out_writes_a_file(home: Path, tmp_path: Path) -> None:
    made(home, "cards", BASE)
    out = tmp_path / "deep" / "junit.xml"
    assert main(["report", "--format", "junit", "--out", str(out)]) == 0
    assert ET.parse(out).getroot().get("failures") == "0"  # noqa: S314 - written by us


def test_several_endpoints_become_one_document(
    home: Path, project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = project_root / "contracts" / "endpoints" / "posters.yaml"
    second.write_text((second.parent / "cards.yaml").read_text())
    edit_file(second, "endpoint: cards", "endpoint: posters")
    made(home, "cards", "tiny-turbo")
    made(home, "posters", BASE)
    assert main(["report", "--format", "junit"]) == 1
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - written by us
    assert len(root) == 2
    assert int(root.get("tests", "")) == len(root.findall(".//testcase"))
    assert main(["report", "--format", "json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["report", "--format", "html"]) == 2
    assert "one file an endpoint" in capsys.readouterr().err
    assert main(["report", "--format", "html", "--endpoint", "posters"]) == 0
