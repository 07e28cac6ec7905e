"""Traces are read in both formats, and every bad row is told with file, line, field and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from imgassets.documents.problems import InvalidDocumentsError
from imgassets.documents.project import Project, load_project
from imgassets.documents.traces import TraceRow, read_trace


def read(root: Path, name: str, text: str) -> list[TraceRow]:
    (root / "traces").mkdir(exist_ok=True)
    (root / "traces" / name).write_text(text)
    project = load_project(root)
    return read_trace(project, project.endpoint("cards"), f"traces/{name}")


def problems(root: Path, name: str, text: str) -> list[tuple[int, str, str, str]]:
    with pytest.raises(InvalidDocumentsError) as raised:
        read(root, name, text)
    assert all(name in p.file for p in raised.value.problems)
    assert all(p.fix for p in raised.value.problems)
    return [(p.line, p.field, p.message, p.fix) for p in raised.value.problems]


JSON_LINES = """\
{"time": 12.5, "prompt_id": "word"}

{"time": 10, "prompt": "a fox", "seed": 7, "size": [96, 96]}
{"time": 11, "prompt_id": "red-circle", "flow": "edit"}
"""


def test_json_lines_and_csv_say_the_same(project_root: Path) -> None:
    rows = read(project_root, "a.jsonl", JSON_LINES)
    assert [row.time for row in rows] == [0, 1, 2.5]
    assert [row.prompt_id for row in rows] == [None, "red-circle", "word"]
    assert rows[0].prompt == "a fox"
    assert rows[0].size == (96, 96)
    table = (
        "time,prompt_id,prompt,flow,seed,size\n12.5,word,,,,\n"
        "10,,a fox,,7,96x96\n11,red-circle,,edit,,\n"
    )
    assert read(project_root, "a.csv", table) == rows


def test_times_may_be_dates_in_any_zone(project_root: Path) -> None:
    rows = read(
        project_root,
        "a.jsonl",
        '{"time": "2026-11-27T17:00:01+01:00", "prompt_id": "word"}\n'
        '{"time": "2026-11-27T16:00:00Z", "prompt_id": "word"}\n'
        '{"time": "2026-11-27T16:00:03.5", "prompt_id": "word"}\n',
    )
    assert [row.time for row in rows] == [0, 1, 3.5]


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        ('{"prompt_id": "word"}', "time", "required field is missing"),
        ('{"time": "noon", "prompt_id": "word"}', "time", "neither seconds nor a date"),
        ('{"time": true, "prompt_id": "word"}', "time", "give seconds"),
        ('{"time": 1}', "prompt_id", "nothing is asked for"),
        ('{"time": 1, "prompt_id": "word", "prompt": "x"}', "prompt_id", "both given"),
        ('{"time": 1, "prompt_id": "wird"}', "prompt_id", "no prompt 'wird'"),
        ('{"time": 1, "prompt_id": "word", "flow": "edit"}', "prompt_id", "has no `edit`"),
        ('{"time": 1, "prompt": "x", "flow": "edit"}', "prompt", "no region to edit"),
        ('{"time": 1, "prompt_id": "word", "flow": "stylize"}', "flow", "no flow stylize"),
        ('{"time": 1, "prompt_id": "word", "size": "64x64"}', "size", "not in accepts.sizes"),
        ('{"time": 1, "prompt_id": "word", "seed": -1}', "seed", ""),
        ('{"time": 1, "prompt_id": "word", "sead": 1}', "sead", "unknown field"),
        ('{"time": 1, "prompt": "' + "x" * 61 + '"}', "prompt", "61 characters"),
        ('{"time": 1, "prompt_id": "word"', "", "not JSON"),
        ("[1, 2]", "", ""),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_field(
    row: str, field: str, told: str, project_root: Path
) -> None:
    good = '{"time": 0, "prompt_id": "word"}\n'
    ((line, at, message, _),) = problems(project_root, "a.jsonl", f"{good}\n{row}\n{good}")
    assert (line, at) == (3, field)
    assert told in message


def test_all_bad_rows_are_told_at_once(project_root: Path) -> None:
    found = problems(project_root, "a.csv", "time,prompt_id\n1,word\nx,word\n2,nope\n3,word,4\n")
    assert [line for line, *_ in found] == [3, 4, 5]


@pytest.mark.parametrize("text", ["", "\n\n", "time,prompt_id\n", "a,b\n1,2\n", "<html>"])
def test_a_file_that_is_no_trace_is_told(text: str, project_root: Path) -> None:
    assert problems(project_root, "a.csv", text)


def contract_with(root: Path, pilot: object, traffic: bool = True) -> Project:
    path = root / "contracts/endpoints/cards.yaml"
    document = yaml.safe_load(path.read_text()) | {"pilot": pilot}
    if traffic:
        document["traffic"] = {"busiest_hour": 60, "per_month": {"generate": 9}}
    path.write_text(yaml.safe_dump(document))
    return load_project(root)


def test_check_reads_the_trace_that_a_contract_names(project_root: Path) -> None:
    (project_root / "traces").mkdir()
    (project_root / "traces/a.jsonl").write_text('{"time": 0, "prompt_id": "nope"}\n')
    (problem,) = contract_with(project_root, {"trace": "traces/a.jsonl"}).problems
    assert (problem.file, problem.line, problem.field) == ("traces/a.jsonl", 1, "prompt_id")
    (problem,) = contract_with(project_root, {"trace": "traces/b.jsonl"}).problems
    assert problem.field == "pilot.trace"


@pytest.mark.parametrize(
    ("pilot", "field", "told"),
    [
        ({}, "pilot", "how long it lasts"),
        ({"seconds": 5, "requests": 5}, "pilot.requests", "both given"),
        ({"trace": "a", "seconds": 5}, "pilot.seconds", "a trace says by itself"),
        ({"seconds": 5, "shape": {"kind": "gama"}}, "pilot.shape", ""),
        ({"seconds": 5, "shape": {"kind": "gamma"}}, "pilot.shape.burstiness", "missing"),
        ({"seconds": 5, "flows": {"stylize": 1}}, "pilot.flows.stylize", "not in flows"),
        ({"seconds": 5, "ceilings": {"p95_seconds": 0}}, "pilot.ceilings.p95_seconds", ""),
        ({"seconds": 5, "ceilings": {"failure_rate": 5}}, "pilot.ceilings.failure_rate", ""),
    ],
)
def test_a_bad_pilot_is_told_by_field(
    pilot: object, field: str, told: str, project_root: Path
) -> None:
    (problem,) = contract_with(project_root, pilot).problems
    assert problem.field == field
    assert told in problem.message
    assert problem.fix


def test_a_shape_needs_the_rate_of_the_traffic(project_root: Path) -> None:
    (problem,) = contract_with(project_root, {"seconds": 5}, traffic=False).problems
    assert "takes its rate from `traffic`" in problem.message
