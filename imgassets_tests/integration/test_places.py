"""Where a project may lie, and what the environment may say: told in one line, never mixed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.documents.environment import PlaceError, folder_in, timezone
from imgassets.storage.ownership import own_home, ready_dagster_home, ready_home
from imgassets.storage.project_home import ProjectHome, home_of
from imgassets_tests.integration.small import write_small_project

ODD = [
    "with space", "q?x", "100%", "%41", "a%3Fb", "h#sh", "a&b", "it's", 'say "hi"', "Bücher",
    "日本", "-dash", "a;b", "[x]", "$HOME", "new\nline", "back\\slash", "tab\there", "~tilde",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMGASSETS_HOME", "IMGASSETS_PROJECT", "DAGSTER_HOME", "IMGASSETS_TIMEZONE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ODD)
def test_a_project_may_lie_anywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dagster's databases are in the project, and nothing is beside it."""
    root = tmp_path / "all" / name
    root.mkdir(parents=True)
    write_small_project(root)
    monkeypatch.chdir(root)
    assert main(["plan"]) == 0, capsys.readouterr().err
    assert [p.name for p in root.parent.iterdir()] == [name]
    assert list((root / ".imgassets" / "dagster").rglob("*.db"))


@pytest.mark.parametrize(("one", "other"), [("a?b", "a"), ("50%20off", "50 off"), ("x#y", "x")])
def test_a_path_never_opens_another_projects_database(
    one: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has databases of its own, though a URL of the first would name the second's."""
    for name in (other, one):
        root = tmp_path / name
        root.mkdir()
        write_small_project(root)
        monkeypatch.chdir(root)
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        assert main(["plan"]) == 0
    found = [set((tmp_path / n / ".imgassets" / "dagster").rglob("*.db")) for n in (one, other)]
    assert all(found)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("value", ["", " ", "~/ia", "~", "relative/path", "."])
@pytest.mark.parametrize("variable", ["IMGASSETS_HOME", "IMGASSETS_PROJECT", "DAGSTER_HOME"])
def test_a_variable_that_names_no_whole_path_is_one_line(
    variable: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, elsewhere = tmp_path / "p", tmp_path / "elsewhere"
    for folder in (root, elsewhere):
        folder.mkdir()
    write_small_project(root)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(root))
    monkeypatch.setenv(variable, value)
    monkeypatch.chdir(elsewhere)
    assert main(["plan"]) == 2
    told = capsys.readouterr().err
    assert f"${variable}" in told
    assert len(told.splitlines()) == 1
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("zone", ["", "CET-1", "Mars/Olympus", "../etc/passwd", " UTC", "/etc"])
def test_a_zone_that_is_none_is_named(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGASSETS_TIMEZONE", zone)
    with pytest.raises(PlaceError, match=r"\$IMGASSETS_TIMEZONE"):
        timezone()


def test_zones_and_folders_as_they_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timezone() == "UTC"
    monkeypatch.setenv("IMGASSETS_TIMEZONE", "Europe/Berlin")
    assert timezone() == "Europe/Berlin"
    assert folder_in("IMGASSETS_HOME") is None
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / "h"))
    assert home_of(tmp_path / "p") == ProjectHome(tmp_path / "h")


def project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_small_project(folder)
    return folder


def test_a_home_of_two_projects_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told with the other's path; the first goes on."""
    one, two = project(tmp_path / "one"), project(tmp_path / "two")
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / "shared"))
    assert ready_home(one) == ProjectHome(tmp_path / "shared")
    with pytest.raises(PlaceError, match=f"kept for the project {one}"):
        ready_home(two)
    assert ready_home(one) == ProjectHome(tmp_path / "shared")


def test_a_moved_or_copied_project_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = project(tmp_path / "one")
    ready_home(one)
    copy = Path(shutil.copytree(one, tmp_path / "copy"))
    assert ready_home(copy) == ProjectHome(copy / ".imgassets")
    moved = one.rename(tmp_path / "moved")
    assert ready_home(moved) == ProjectHome(moved / ".imgassets")
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / "apart"))
    ready_home(moved)
    again = moved.rename(tmp_path / "again")
    assert ready_home(again) == ProjectHome(tmp_path / "apart")


def test_other_peoples_runs_are_not_mixed_with_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's DAGSTER_HOME is refused, with the way to share it on purpose; an empty one is
    taken."""
    root, theirs = project(tmp_path / "p"), tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(theirs))
    with pytest.raises(PlaceError, match="not this project's"):
        ready_dagster_home(root)
    (theirs / ".imgassets-project").write_text(f"{root}\n", encoding="utf-8")
    assert ready_dagster_home(root) == theirs
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "empty"))
    assert ready_dagster_home(root) == tmp_path / "empty"


@pytest.mark.parametrize("what", ["a file", "below a file", "no such disk"])
def test_a_home_that_cannot_be_is_one_line(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path / "p")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    place = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "home",
             "no such disk": Path("/proc/nodisk/home")}[what]  # fmt: skip
    monkeypatch.setenv("IMGASSETS_HOME", str(place))
    monkeypatch.chdir(root)
    assert main(["plan"]) == 2
    told = capsys.readouterr().err
    assert "$IMGASSETS_HOME" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("place", ["the project's own", "another folder", "$TMPDIR"])
def test_a_folder_named_by_a_variable_opens_no_other_database(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Odd characters in DAGSTER_HOME are read as in a project's path, those in TMPDIR refused."""
    root = project(tmp_path / "all" / "q?x")
    if place == "$TMPDIR":
        (tmp_path / "all" / "t?m").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "all" / "t?m"))
    else:
        odd = root / ".imgassets" / "dagster" if "own" in place else tmp_path / "all" / "d?h"
        monkeypatch.setenv("DAGSTER_HOME", str(odd))
    monkeypatch.chdir(root)
    before = {p.name for p in root.parent.iterdir()} | {"d?h"}
    assert main(["plan"]) == (2 if place == "$TMPDIR" else 0)
    assert ("$TMPDIR" in capsys.readouterr().err) == (place == "$TMPDIR")
    assert {p.name for p in root.parent.iterdir()} <= before


@pytest.mark.parametrize(
    "command",
    [["store", "stats"], ["store", "gc"], ["report"], ["docs"], ["paid"],
     ["reproduce", "--prompt", "x"], ["selftest", "--draws", "1"], ["plan"], ["validate"]],
)  # fmt: skip
def test_no_command_reads_the_home_of_another_project(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A report or an image of the other project would be taken for one's own."""
    one, two = project(tmp_path / "one"), project(tmp_path / "two")
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / "shared"))
    ready_home(one)
    before = set((tmp_path / "shared").rglob("*"))
    monkeypatch.chdir(two)
    assert main(command) == 2
    assert f"kept for the project {one}" in capsys.readouterr().err
    assert set((tmp_path / "shared").rglob("*")) == before
    own_home(one)


def test_commands_that_read_write_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So they work in a project that cannot be written to."""
    root = project(tmp_path / "p")
    monkeypatch.chdir(root)
    assert main(["store", "stats"]) == 0
    assert not (root / ".imgassets").exists()


def test_projects_with_line_feeds_in_their_paths_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = project(tmp_path / "a\nb"), project(tmp_path / "a")
    monkeypatch.setenv("IMGASSETS_HOME", str(tmp_path / "shared"))
    ready_home(one)
    ready_home(one)
    with pytest.raises(PlaceError, match="kept for the project"):
        ready_home(two)


def test_a_path_that_is_no_text_is_told_before_work_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Latin-1 names of old disks; Parquet files cannot be written there."""
    root = project(tmp_path / os.fsdecode(b"caf\xe9"))
    monkeypatch.chdir(root)
    assert main(["check"]) == 0
    assert main(["plan"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err
    assert not (root / ".imgassets").exists()


def test_a_working_folder_that_is_gone_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["check"]) == 2
    assert "was removed" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "settings",
    ["telemetry: [", "nonsense: 1", "- 1", "storage: 5", "concurrency: {pools: {default_limit: a}}",
     "local_artifact_storage: {module: nope, class: X, config: {}}", b"\xff\xfe\0"],
)  # fmt: skip
def test_settings_that_dagster_cannot_read_are_one_line(
    settings: str | bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = project(tmp_path / "p")
    file = root / ".imgassets" / "dagster" / "dagster.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(settings if isinstance(settings, bytes) else settings.encode())
    monkeypatch.chdir(root)
    assert main(["plan"]) == 2
    told = capsys.readouterr().err
    assert str(file.parent) in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("name", ["schedules.db", "runs.db", "index.db"])
def test_a_broken_database_of_dagster_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path / "p")
    monkeypatch.chdir(root)
    assert main(["plan"]) == 0
    (found,) = (root / ".imgassets" / "dagster").rglob(name)
    found.write_bytes(b"no database at all" * 500)
    assert main(["plan"]) == 2
    assert "file is not a database" in capsys.readouterr().err


def test_bare_dagster_does_not_mix_projects_either(tmp_path: Path) -> None:
    one, two = project(tmp_path / "one"), project(tmp_path / "two")
    home = tmp_path / "shared"
    home.mkdir()
    (home / ".imgassets-project").write_text(f"{one}\n", encoding="utf-8")
    environment = {**os.environ, "IMGASSETS_HOME": str(home), "IMGASSETS_PROJECT": str(two)}
    found = subprocess.run(
        [sys.executable, "-c", "import imgassets.definitions"],
        env=environment, cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert f"kept for the project {one}" in found.stderr.decode()


def test_a_user_without_an_entry_gets_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container started with a bare user id; libraries ask for the user's folder."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    root = project(tmp_path / "p")
    ready_home(root)
    assert Path(os.environ["HOME"]) == root / ".imgassets" / "user"
    assert Path("~").expanduser().is_dir()
