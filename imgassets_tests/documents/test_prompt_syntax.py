"""Prompt syntax of other tools is told as a hint; ordinary writing is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.documents.prompt_syntax import foreign_syntax
from imgassets_tests.conftest import write_project


@pytest.mark.parametrize(
    "prompt",
    [
        "a (red:1.3) circle",
        "a ((red)) circle",
        "a [[red]] circle",
        "a [red] circle",
        "a [red:blue:0.5] circle",
        "a [cow|horse] in a field",
        "a circle BREAK on white",
        "a circle AND a square",
        "a circle <lora:name:1>",
        "a circle <lora:name:0.8:0.5>",
        "a circle <hypernet:name:1>",
        "a __color__ circle",
        "a __animals/pets__ in a field",
        "a {red|blue} circle",
        "embedding:easynegative, a circle",
        "a circle --ar 16:9",
        "a circle --no squares",
        "a circle::2 a square::1",
    ],
)
def test_syntax_of_other_tools_is_found(prompt: str) -> None:
    assert foreign_syntax(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "a red circle (large) on white",
        "a ratio of (16:9) is wide",
        "a clock that shows 12:30",
        "a clock (at 12:30) on a wall",
        "a sign that says BREAK-IN",
        'the words "ROCK AND ROLL"',
        "a red circle -- and a blue square",
        "two - or three - circles",
        "x < y and y > z",
        "a smiley :) and another ;)",
        "f(x) on a blackboard",
        "an array a[0] on a screen",
        "a {curly} frame",
        "snake_case and __init",
        "C++ and std::vector on a screen",
        "a car (model: T)",
    ],
)
def test_ordinary_writing_is_not(prompt: str) -> None:
    assert foreign_syntax(prompt) is None


def test_check_hints_and_stays_at_exit_code_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    assert main(["check"]) == 0
    assert "hint: prompts" not in capsys.readouterr().err
    path = tmp_path / "prompts" / "few.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("prompt: ", "prompt: a (red:1.3) circle and ", 1), encoding="utf-8"
    )
    assert main(["check"]) == 0
    told = capsys.readouterr()
    assert "hint: prompts/few.yaml:" in told.err
    assert "`(red:1.3)` is a weight" in told.err
    assert "all valid" in told.out
