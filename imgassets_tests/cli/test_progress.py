"""Progress: a live line on a terminal, plain lines in a pipe, none where it was not wanted."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.progress import Progress

from imgassets.cli.live import Numbers, rate
from imgassets.cli.progress import Lines, shown
from imgassets.defs import run_logger
from imgassets.defs.run_logger import shown_by, telling
from imgassets_tests.integration.small import model_file, write_small_project

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
IMGASSETS = [sys.executable, "-m", "imgassets.cli.main"]


def on_a_terminal(root: Path, *arguments: str, terminal: str = "xterm") -> tuple[str, str]:
    """What a command printed on a pipe, and what its standard error did to a terminal."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"IMGASSETS_PROJECT": str(root), "TERM": terminal, "COLUMNS": "80"}
    for name in ("IMGASSETS_HOME", "DAGSTER_HOME"):
        environment.pop(name, None)
    output = root / "output"
    with output.open("wb") as out:
        started = subprocess.Popen(
            [*IMGASSETS, *arguments], stdin=theirs, stdout=out, stderr=theirs, env=environment
        )
        os.close(theirs)
        seen = b""
        while part := _read(ours):
            seen += part
    os.close(ours)
    assert started.wait(60) in (0, 1)
    return output.read_text(), seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A first validation on a terminal: the project, its output, and what the terminal got."""
    root = tmp_path_factory.mktemp("terminal")
    write_small_project(root)
    return root, *on_a_terminal(root, "validate", "--json")


def test_a_terminal_has_one_live_line_an_asset(terminal: tuple[Path, str, str]) -> None:
    """It leaves how many images there were, how long they took, and how fast that is."""
    _, output, seen = terminal
    assert [v["model"] for v in json.loads(output)] == ["prod", "fast"]
    plain = ESCAPES.sub("", seen)
    for asset, count in (("generate", 6), ("edit", 2), ("upscale", 6), ("scored", 14)):
        for model in ("prod", "fast"):
            line = rf"cards/{model}: {asset}  {count}/{count}  in \d+ s  [\d.]+(/s| s each)\n"
            assert len(re.findall(line, plain)) == 1, (asset, model)
    assert "images to generate on" not in plain, "a log beside the live line"
    assert "\x1b[?25l" not in seen, "a killed process could not show the cursor again"


def test_a_live_line_tells_rate_and_time_left() -> None:
    """Of the first images nothing is told: they waited for what is loaded once."""
    clock = [0.0]
    progress = Progress(auto_refresh=False, get_time=lambda: clock[0])
    task = progress.add_task("cards/fast: generate", total=None)
    assert Numbers().render(progress.tasks[0]).plain == "0 s"
    told = []
    for now, done in ((1.0, 0), (15.0, 2), (19.0, 4)):
        clock[0] = now
        progress.update(task, completed=done, total=10)
        told.append(Numbers().render(progress.tasks[0]).plain)
    assert told == ["0/10", "2/10", "4/10  2.0 s each  12 s left"]


def test_a_pipe_has_plain_lines_and_quiet_has_none(terminal: tuple[Path, str, str]) -> None:
    root, *_ = terminal
    environment = os.environ | {"IMGASSETS_PROJECT": str(root)}
    for name in ("IMGASSETS_HOME", "DAGSTER_HOME"):
        environment.pop(name, None)
    for steps, options in ((2, ()), (3, ("--quiet",))):
        path = model_file(root, "fast")
        path.write_text(re.sub(r"(sampling: \{steps: )\d+", rf"\g<1>{steps}", path.read_text()))
        done = subprocess.run(
            [*IMGASSETS, "validate", *options], env=environment, capture_output=True, text=True
        )
        assert done.stdout.startswith("ENDPOINT")
        if options:
            assert done.stderr == ""
            assert "next:" not in done.stdout
        else:
            assert re.search(r"^\d\d:\d\d:\d\d cards/fast: generate 6/6$", done.stderr, re.M)
            assert "next: INCONCLUSIVE cards/prod, cards/fast: " in done.stdout
        assert "\x1b" not in done.stderr


def test_a_terminal_that_cannot_move_its_cursor_has_plain_lines(
    terminal: tuple[Path, str, str],
) -> None:
    root, *_ = terminal
    asked = ("reproduce", "--prompt", "a red star", "--seed", "3")
    _, seen = on_a_terminal(root, *asked, terminal="dumb")
    assert re.search(r"^\d\d:\d\d:\d\d made again 2/2\r?$", seen, re.M)
    assert "\x1b" not in seen


def test_lines_are_seconds_apart_and_the_last_is_always_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    for done in range(1, 101):
        lines.show("scored", done, 100)
    told = capsys.readouterr()
    assert told.out == ""
    assert re.fullmatch(r"\d\d:\d\d:\d\d scored 100/100\n", told.err)
    with shown(quiet=True) as show:
        show("scored", 100, 100)
    assert capsys.readouterr() == ("", "")


def test_the_log_of_a_run_gets_a_line_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in Dagster's database takes as long as an image; a display is told of each."""

    class Log(list[str]):
        info = list.append

    def told() -> tuple[list[str], list[tuple[str, int | None, int | None]]]:
        log, seen = Log(), []
        tell = telling(log, "generate")
        with shown_by(lambda *what: seen.append(what)):
            for done in range(4):
                tell(done, 3)
        return log, seen

    every = [("generate", done, 3) for done in range(4)]
    assert told() == (["generate 3/3"], every)
    monkeypatch.setattr(run_logger, "_LOG_SECONDS", 0.0)
    assert told() == (["generate 1/3", "generate 2/3", "generate 3/3"], every)


def test_rates_are_said_as_people_say_them() -> None:
    assert [rate(None), rate(12.34), rate(0.25)] == ["", "12.3/s", "4.0 s each"]
