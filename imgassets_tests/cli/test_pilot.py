"""`imgassets pilot`: what it prints, how it exits, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets_tests.fakes.frozen_server import FrozenServer
from imgassets_tests.pilot.projects import with_pilot

PILOT = {"requests": 60, "ceilings": {"p50_seconds": 30, "worst_seconds": 60}}


def pilot(*more: str) -> int:
    return main(["pilot", "--endpoint", "cards", *more])


def test_it_prints_a_table_and_exits_by_the_ceilings(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_pilot(project_root, PILOT)
    with FrozenServer().running() as server:
        assert pilot("--model", "prod", "--url", server.url) == 0
        said = capsys.readouterr()
        assert "cards/prod: HOLDS; 60 requests, poisson arrivals at 36000 an hour" in said.out
        assert "ok   p50 from due" in said.out
        assert "pilot.svg" in said.out
        assert "next: nothing; this pilot holds until" in said.out
        assert "under load 60/60" in said.err
    ceilings = {"p95_seconds": 0.0001, "failure_rate": 0.5}
    with_pilot(project_root, PILOT | {"ceilings": ceilings})
    with FrozenServer().running() as server:
        assert pilot("--model", "prod", "--url", server.url, "--quiet", "--json") == 1
    said = capsys.readouterr()
    assert said.err == ""
    (told,) = json.loads(said.out)
    assert told["holds"] is False
    assert told["measures"]["p95_seconds"]["state"] == "broken"
    assert told["measures"]["failure_rate"]["state"] == "passed"
    assert told["requests"] == 60
    assert told["pixels"]["compared"] == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--model", "fst"], "no model of cards; there are: prod, fast"),
        (["--trace", "nope.jsonl"], "nope.jsonl"),
        (["--trace", "a", "--seconds", "5"], "a trace says its times by itself"),
        (["--url", "http://images.example/v1"], "plain http would send"),
        (["--url", "https://key@images.example/v1"], "without a key"),
        (["--url", "images"], "give an address"),
    ],
)
def test_what_it_cannot_do_is_told(
    more: list[str], told: str, project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_pilot(project_root, PILOT)
    assert pilot(*more) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_without_a_pilot_in_the_contract_it_asks_for_traffic(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_pilot(project_root, None)
    assert pilot() == 2
    assert "--seconds" in capsys.readouterr().err
    with FrozenServer().running() as server:
        given = ["--model", "prod", "--url", server.url, "--shape", "gamma", "--seconds", "2"]
        assert pilot(*given, "--quiet") == 0
    assert "gamma arrivals" in capsys.readouterr().out


def test_an_endpoint_that_is_not_there_is_told(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pilot", "--endpoint", "crds"]) == 2
    assert "there are: cards" in capsys.readouterr().err
