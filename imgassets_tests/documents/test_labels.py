"""Labels of people: read as they are meant, and every bad line told with what mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.documents.labels import LabelFile, read_labels
from imgassets.documents.project import load_project
from imgassets.metrics.families import METRICS
from imgassets.metrics.family import Metric

KEY, OTHER = "a" * 64, "b" * 64
HEAD = "image_key,metric,value,who,when\n"
CORRECT = "composition.correct"


def read(folder: Path, text: str, name: str = "cards.csv") -> LabelFile:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_labels(path, METRICS)


def told(found: LabelFile) -> list[tuple[int, str]]:
    assert found.labels == ()
    assert all(problem.message for problem in found.problems)
    return [(problem.line, problem.field) for problem in found.problems]


def test_people_are_averaged_and_disagreement_is_kept(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"{HEAD}{KEY},{CORRECT},1,ana,2026-11-27\n{KEY},{CORRECT},0,ben,2026-11-27T14:30\n"
        f"{OTHER},{CORRECT},1,ana,2026-11-27\n\n",
    )
    assert not found.problems
    assert [label.line for label in found.labels] == [2, 3, 4]
    assert found.means == {(KEY, CORRECT): 0.5, (OTHER, CORRECT): 1.0}
    assert found.words.endswith("labels of 2 images by 2 people")


def test_rows_nobody_judged_yet_and_columns_for_people_are_left_alone(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "metric,image_key,when,who,value,prompt,image\n"
        f'{CORRECT},{KEY},2026-11-27,ana,1,"a circle, red",x.png\n'
        f"{CORRECT},{OTHER},,,,star,y.png\n",
    )
    assert not found.problems
    assert found.means == {(KEY, CORRECT): 1.0}


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    row = {"image_key": KEY, "metric": CORRECT, "value": 1, "who": "ana", "when": "2026-11-27"}
    found = read(tmp_path, json.dumps(row) + "\n", "cards.jsonl")
    same = read(tmp_path, f"{HEAD}{KEY},{CORRECT},1,ana,2026-11-27\n")
    assert found.means == same.means
    assert found.version == same.version
    unlike = read(tmp_path, json.dumps(row | {"mood": "good"}) + "\n[1]\n", "cards.jsonl")
    assert told(unlike) == [(1, "mood"), (2, "")]


@pytest.mark.parametrize(
    ("row", "field", "fix"),
    [
        (f"{KEY},composition.corect,1,ana,2026-11-27", "metric", CORRECT),
        (f"{KEY},cost.usd,1,ana,2026-11-27", "metric", "drop"),
        (f"{KEY},{CORRECT},2,ana,2026-11-27", "value", "0 to 1 (1 for yes"),
        (f"{KEY},{CORRECT},yes,ana,2026-11-27", "value", "0 to 1"),
        (f"{KEY},{CORRECT},nan,ana,2026-11-27", "value", "0 to 1"),
        (f"{KEY},typography.cer,-1,ana,2026-11-27", "value", "0 to any"),
        (f"{KEY},{CORRECT},1,ana,yesterday", "when", "2026-11-27"),
        (f"{KEY[:-1]},{CORRECT},1,ana,2026-11-27", "image_key", "64 hex"),
        (f"{KEY},{CORRECT},1,,2026-11-27", "who", "fill it in"),
        (f"{KEY},{CORRECT},1,ana", "", "quotes"),
    ],
)
def test_a_bad_row_is_told_by_line_and_field(
    row: str, field: str, fix: str, tmp_path: Path
) -> None:
    found = read(tmp_path, f"{HEAD}{OTHER},{CORRECT},1,ana,2026-11-27\n{row}\n")
    assert told(found) == [(3, field)]
    assert fix in found.problems[0].fix


def test_a_person_judges_an_image_once(tmp_path: Path) -> None:
    row = f"{KEY},{CORRECT},1,ana,2026-11-27\n"
    found = read(tmp_path, HEAD + row + row.replace(",1,", ",0,"))
    assert told(found) == [(3, "who")]
    assert "line 2" in found.problems[0].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing columns"),
        (HEAD.replace(",", ";"), "commas"),
        (HEAD.replace("who", "whom"), "'who'"),
        (HEAD.replace("when", "when,who"), "double columns: 'who'"),
        (HEAD.replace("when", "when,mood"), "unknown columns: 'mood'"),
        (HEAD + f'{KEY},{CORRECT},1,"ana,2026-11-27\n', "cannot be read"),
    ],
)
def test_another_form_is_named(text: str, words: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert told(found)
    assert words in found.problems[0].message


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cards.csv"
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in read_labels(path, METRICS).problems[0].fix


def test_a_metric_of_ones_own_has_its_range(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"{HEAD}hero-1,team.rating,4,ana,2026-11-27\n")
    own = {"team.rating": Metric("team.rating", "higher", "points", "", range=(1, 5))}
    assert read_labels(path, own, any_key=True).means == {("hero-1", "team.rating"): 4.0}
    path.write_text(f"{HEAD}hero-1,team.rating,6,ana,2026-11-27\n")
    assert "1 to 5" in read_labels(path, own, any_key=True).problems[0].fix


def test_a_project_has_its_labels_and_tells_what_is_wrong(project_root: Path) -> None:
    folder = project_root / "labels"
    folder.mkdir()
    (folder / "cards.csv").write_text(f"{HEAD}{KEY},{CORRECT},1,ana,2026-11-27\n")
    project = load_project(project_root)
    assert not project.problems
    assert project.labels["cards"].means == {(KEY, CORRECT): 1.0}
    (folder / "posters.csv").write_text(HEAD)
    (folder / "cards.jsonl").write_text("")
    problems = load_project(project_root).problems
    assert [problem.file for problem in problems] == ["labels/cards.jsonl", "labels/posters.csv"]
    assert "labels/cards.csv as well" in problems[0].message
    assert load_project(project_root).usable_endpoints()


def test_order_and_time_change_no_version_and_a_value_does(tmp_path: Path) -> None:
    rows = [f"{KEY},{CORRECT},1,ana,2026-11-27\n", f"{OTHER},{CORRECT},0,ana,2026-11-27\n"]
    one = read(tmp_path, HEAD + "".join(rows)).version
    assert read(tmp_path, HEAD + "".join(reversed(rows))).version == one
    assert read(tmp_path, (HEAD + "".join(rows)).replace("-27", "-28")).version == one
    assert read(tmp_path, (HEAD + "".join(rows)).replace(",0,", ",1,")).version != one
    empty = read(tmp_path, HEAD)
    assert empty.version == LabelFile("labels/cards.csv").version
