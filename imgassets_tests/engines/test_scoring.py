"""Scores by processes that have no store: equal to one process, and what a lost one costs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from imgassets.backends.generation import image_table
from imgassets.documents.project import load_project
from imgassets.engines.score_worker import scoring_versions
from imgassets.engines.scoring import SpreadScores
from imgassets.engines.team import Team
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.metric_rows import measure
from imgassets.metrics.scoring import Here
from imgassets.requests import build_requests
from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets_tests.conftest import write_project
from imgassets_tests.engines.looking import DEADLY, Lookers
from imgassets_tests.engines.painted_store import paint

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def crew() -> Iterator[Lookers]:
    lookers = Lookers(2, "cpu")
    yield lookers
    lookers.close()


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Branch:
    """Images of all flows, drawn, in a store of their own."""
    root = tmp_path_factory.mktemp("scored")
    write_project(root)
    project = load_project(root)
    requests = build_requests(project, "cards", "fast", "cpu", [5, 6])
    store = ImageStore(root / "images")
    paint(requests, store)
    return Branch(project, "cards", "fast", image_table(requests, store, {}), store)


def families(branch: Branch) -> list[str]:
    contract = branch.project.endpoint("cards")
    return [name for name in contract.families if not FAMILIES[name].of_making]


def spread(crew: Lookers) -> SpreadScores:
    team = Team(crew, 2, scoring_versions())
    return SpreadScores(lambda: team, begun=lambda: True)


def scored(
    branch: Branch, crew: Lookers, kept: Here, progress: Callable[[int, int], None] | None = None
) -> Tables:
    told = progress or (lambda *_: None)
    return measure(families(branch), branch, kept, told, spread(crew))


def equal(one: Tables, other: Tables) -> bool:
    return one.keys() == other.keys() and all(one[name].equals(other[name]) for name in one)


def test_two_workers_find_what_one_process_finds(branch: Branch, crew: Lookers) -> None:
    alone, shared = Here(), Here()
    assert {"edit_stability", "upscaling", "typography"} <= set(families(branch))
    assert equal(measure(families(branch), branch, alone), scored(branch, crew, shared))
    assert alone.rows == shared.rows
    assert len(crew.pids()) == 2


def test_a_worker_that_is_killed_in_between_costs_no_score(
    branch: Branch, crew: Lookers, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []

    def kill(done: int, of: int) -> None:
        if done and crew.pids() and not killed:
            killed.append(crew.pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr("imgassets.metrics.scoring._PUT_SECONDS", 0.0)
    tables = scored(branch, crew, Here(), kill)
    assert killed
    assert equal(tables, measure(families(branch), branch))


def test_an_image_that_kills_its_scorer_has_no_score_until_the_next_run(
    branch: Branch, crew: Lookers, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, kept = ["artefacts", "look"], Here()
    deadly = branch.images["image_key"].iloc[5]
    monkeypatch.setenv(DEADLY, deadly)
    table = pd.concat(measure(few, branch, kept, others=spread(crew)).values())
    hit = table["image_key"] == deadly
    assert table[hit]["reason"].str.match("cannot be judged: 3 workers were lost .*signal 9").all()
    assert table[hit]["value"].isna().all()
    whole = pd.concat(measure(few, branch).values())
    assert table[~hit].equals(whole[(whole["image_key"] != deadly).to_numpy()])
    again = pd.concat(measure(few, branch, kept).values())
    assert again.equals(whole)


def test_a_harmed_image_ends_scoring_as_in_one_process(
    branch: Branch, crew: Lookers, tmp_path: Path
) -> None:
    requests = build_requests(branch.project, "cards", "fast", "cpu", [8])
    store = ImageStore(tmp_path)
    paint(requests, store)
    there = replace(branch, images=image_table(requests, store, {}), stored=store)
    path = store.path(requests[4].image_key)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptEntryError):
        measure(["artefacts"], there, others=spread(crew))
