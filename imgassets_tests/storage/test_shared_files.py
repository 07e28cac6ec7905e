"""Tables, reports and scores that several machines share through a store."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from imgassets.storage import maintenance
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import ProjectHome
from imgassets.storage.score_store import KeptScores, score_store_of
from imgassets.storage.shared_files import SharedFiles
from imgassets_tests.storage.putting import key_of, put

ONE, TWO = "one", "two"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.setenv("IMGASSETS_STORE", f"file://{folder}")
    return folder


def files(tmp_path: Path, name: str) -> SharedFiles:
    return SharedFiles.of(ProjectHome(tmp_path / name))


def verdict(tmp_path: Path, name: str) -> Path:
    path = ProjectHome(tmp_path / name).output(("cards", "fast", "verdict"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def score(number: int, value: float = 1.0) -> KeptScores:
    found = (("a.metric", value, "", ""),)
    return KeptScores(f"{number:064x}", f"{number:064x}", "ab" * 32, found)


def test_what_one_wrote_the_other_sees_and_only_what_is_new_travels(tmp_path: Path) -> None:
    one, two = files(tmp_path, ONE), files(tmp_path, TWO)
    verdict(tmp_path, ONE).write_text("GO")
    report = ProjectHome(tmp_path / ONE).output(("cards", "report"))
    report.parent.mkdir(parents=True)
    report.write_text("<html>")
    verdict(tmp_path, ONE).with_name(".verdict.json.4711").write_text("half")
    assert (one.push(), one.push(), one.pull()) == (2, 0, 0)
    assert (two.pull(), two.pull(), two.push()) == (2, 0, 0)
    assert verdict(tmp_path, TWO).read_text() == "GO"
    verdict(tmp_path, TWO).write_text("NO-GO")
    assert (two.push(), one.pull()) == (1, 1)
    assert verdict(tmp_path, ONE).read_text() == "NO-GO"


def test_of_two_versions_the_newer_one_stays(tmp_path: Path) -> None:
    one, two = files(tmp_path, ONE), files(tmp_path, TWO)
    verdict(tmp_path, ONE).write_text("there")
    one.push()
    verdict(tmp_path, TWO).write_text("newer here")
    later = time.time() + 100
    os.utime(verdict(tmp_path, TWO), (later, later))
    assert two.pull() == 0
    os.utime(verdict(tmp_path, TWO), (1e9, 1e9))
    assert two.pull() == 1
    assert verdict(tmp_path, TWO).read_text() == "there"


def test_a_lost_file_comes_back_and_no_object_lands_outside(tmp_path: Path, place: Path) -> None:
    one = files(tmp_path, ONE)
    verdict(tmp_path, ONE).write_text("GO")
    one.push()
    verdict(tmp_path, ONE).unlink()
    assert one.pull() == 1
    assert verdict(tmp_path, ONE).read_text() == "GO"
    assert one._path("files/tables/../../outside") is None
    assert one._path("files/dagster/dagster.yaml") is None


def test_scores_of_one_are_those_of_all(tmp_path: Path, place: Path) -> None:
    one, two = (score_store_of(ProjectHome(tmp_path / name)) for name in (ONE, TWO))
    one.put([score(1), score(2)], {"cards/a": [0.5]})
    keys = [score(n).key for n in range(4)]
    assert two.read(keys) == {score(1).key: score(1), score(2).key: score(2)}
    one.put([score(3)], {})
    assert score(3).key not in two.known(keys), "looked for once in a run"
    assert score(3).key in score_store_of(ProjectHome(tmp_path / TWO)).known(keys)


def test_a_harmed_batch_of_scores_is_as_if_never_made(tmp_path: Path, place: Path) -> None:
    one = score_store_of(ProjectHome(tmp_path / ONE))
    one.put([score(1)], {})
    one.put([score(2)], {})
    first, _ = sorted((place / "scores").iterdir())
    first.write_bytes(first.read_bytes()[:-30])
    two = score_store_of(ProjectHome(tmp_path / TWO))
    assert two.known([score(1).key, score(2).key]) == {score(2).key}


def test_gc_keeps_what_tables_of_another_machine_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from imgassets.cli.main import main

    one = store_of(ProjectHome(tmp_path / ONE))
    put(one, 1, 1)
    put(one, 2, 2)
    verdict(tmp_path, ONE).write_text(f'{{"image": "{key_of(1)}"}}')
    files(tmp_path, ONE).push()
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / TWO))
    assert main(["store", "gc", "--older-than", "-1"]) == 0
    assert capsys.readouterr().out.startswith("1 image(s) deleted")
    assert list(one.keys()) == [key_of(1)]
    assert maintenance.verify(one).harmed == ()


def test_a_folder_and_nothing_else_is_as_it_always_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGASSETS_STORE")
    one = files(tmp_path, ONE)
    verdict(tmp_path, ONE).write_text("GO")
    assert (one.push(), one.pull()) == (0, 0)
    put(store_of(ProjectHome(tmp_path / ONE)), 1, 1)
    assert sorted(p.name for p in (tmp_path / ONE).iterdir()) == ["images", "tables"]
