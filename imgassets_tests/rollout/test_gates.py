"""Every gate, open and closed, with its reason and its fix; all are told at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from imgassets.rollout import gates, steps
from imgassets.rollout.gates import Evidence, Gate, VerdictFound, pilot_gates
from imgassets_tests.rollout.factories import (
    BEGIN,
    ROLLOUT,
    Summary,
    at,
    begin,
    contract,
    evidence,
    files_in,
    gates_of,
    go_on,
    plan_of,
    step,
)

LATER = BEGIN + timedelta(days=3)


def closed(found: list[Gate]) -> dict[str, Gate]:
    return {gate.name: gate for gate in found if not gate.open}


def verdict(**changed: object) -> VerdictFound:
    found = evidence(LATER).verdict
    assert found is not None
    return replace(found, **changed)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Pilot:
    state: str = "holds"
    reason: str = "p95 1.2 s of at most 2 s"


@pytest.mark.parametrize(
    ("changed", "name", "reason", "fix"),
    [
        ({"verdict": None}, "verdict", "there is no verdict on fast", "imgassets validate"),
        ({"verdict": verdict(verdict="REVIEW", sentence="REVIEW: near.")}, "verdict",
         "REVIEW: near", "only a GO goes forward"),
        ({"verdict": verdict(outdated="cards.yaml:9: floor: 0.1 -> 0.2")},
         "verdict is up to date", "floor: 0.1 -> 0.2", "imgassets validate --endpoint cards"),
        ({"verdict": verdict(made=LATER - timedelta(days=31))}, "age of the verdict",
         "31.0 days old, 30 are allowed", "materialize cards/fast/verdict"),
        ({"drift": ["drift of prod: generate of a"]}, "no drift", "drift of prod",
         "see the report"),
        ({"outcomes": None}, "requests", "0 of at least 1000 requests in this stage; no outcomes "
         "were logged", "log outcomes"),
        ({"outcomes": Summary(999)}, "requests", "999 of at least 1000", "wait"),
        ({"outcomes": Summary(breach="fails twice as often")}, "outcomes", "fails twice as often",
         "revert"),
    ],
)  # fmt: skip
def test_one_closed_gate_of_a_promotion(
    tmp_path: Path, changed: dict[str, object], name: str, reason: str, fix: str
) -> None:
    files = files_in(tmp_path)
    begin(files)
    assert not closed(gates_of(files, contract(), evidence(LATER), LATER))
    found = closed(gates_of(files, contract(), evidence(LATER, **changed), LATER))
    assert list(found) == [name]
    assert reason in found[name].reason
    assert fix in found[name].fix


def test_hours_frozen_and_other_models_close_theirs(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    early = BEGIN + timedelta(hours=23)
    found = closed(gates_of(files, contract(), evidence(early), early))
    assert found["hours"].reason == "23.0 of at least 24 hours in this stage"
    steps.freeze(files, step(reason="a doubt"))
    other = contract(candidates=["slow"])
    found = closed(gates_of(files, other, evidence(LATER), LATER))
    assert list(found) == ["models", "not frozen"]
    assert "a doubt" in found["not frozen"].reason


def test_nothing_known_closes_all_that_look_at_it(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    found = closed(gates_of(files, contract(), Evidence(), BEGIN))
    assert set(found) == {"verdict", "hours", "requests"}
    assert all(gate.reason and gate.fix for gate in found.values())


@pytest.mark.parametrize(
    ("changed", "model", "reason"),
    [
        ({}, "slow", "slow is no candidate of the contract; there are: fast"),
        ({}, "prod", "prod is no candidate"),
        ({"incumbent": "other"}, "fast", "the contract's incumbent is other, and the flag's prod"),
    ],
)
def test_what_may_not_start(
    tmp_path: Path, changed: dict[str, object], model: str, reason: str
) -> None:
    files = files_in(tmp_path)
    begin(files)
    steps.revert(files, step())
    endpoint = contract(**changed)
    looked = gates.start_gates(
        endpoint, plan_of(endpoint), model, evidence(LATER), at(files), LATER
    )
    assert reason in closed(looked)["models"].reason


def test_no_rollout_starts_over_another(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    endpoint = contract()
    looked = gates.start_gates(
        endpoint, plan_of(endpoint), "fast", evidence(LATER), at(files), LATER
    )
    assert "fast is at stage shadow already" in closed(looked)["models"].reason


def test_a_swap_is_over_when_days_have_passed_and_the_contract_follows(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1, 10, 50, 100])  # all users on the fourth day
    endpoint = contract()
    over = BEGIN + timedelta(days=4 + 14)

    def look(endpoint, now):  # type: ignore[no-untyped-def]
        plan = plan_of(endpoint)
        return closed(gates.finish_gates(endpoint, plan, evidence(now), at(files), now))

    early = look(endpoint, over - timedelta(minutes=1))
    assert list(early) == ["incumbent kept", "contract"]
    assert "2026-11-20 09:00 UTC" in early["incumbent kept"].reason
    assert "incumbent: fast" in early["contract"].fix
    assert not look(contract(incumbent="fast", candidates=["prod"]), over)


def test_one_stage_at_a_time_and_a_stage_that_is_gone_is_followed_by_a_larger_one(
    tmp_path: Path,
) -> None:
    files = files_in(tmp_path)
    assert at(files).next_stage(plan_of(contract())) == "shadow"
    begin(files)
    assert at(files).next_stage(plan_of(contract())) == 1
    go_on(files, [1, 10])
    assert at(files).next_stage(plan_of(contract())) == 50
    other = contract(rollout=ROLLOUT | {"stages": [5, 25, 100]})
    assert at(files).next_stage(plan_of(other)) == 25
    go_on(files, [100])
    assert at(files).next_stage(plan_of(contract())) is None


def test_a_pilot_that_is_asked_for_must_have_run_and_hold() -> None:
    assert not list(pilot_gates(False, "fast", None))
    for found, told in (
        (None, "it never ran"),
        (Pilot("stale", "changed since the pilot: traffic"), "changed since the pilot"),
        (Pilot("missing", "fast had no pilot"), "fast had no pilot"),
        (Pilot("failed", "p95 3 s of at most 2 s"), "p95 3 s"),
    ):
        (gate,) = pilot_gates(True, "fast", found)
        assert not gate.open
        assert told in gate.reason
        assert gate.fix
    (gate,) = pilot_gates(True, "fast", Pilot())
    assert gate.open
