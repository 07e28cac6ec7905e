"""A contract's `rollout`: stages that rise to 100, and mistakes told with field and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from imgassets.documents.facets import facets_of
from imgassets.documents.project import load_project
from imgassets.documents.rollout import Rollout, percent_of, stage_name
from imgassets_tests.conftest import ENDPOINT
from imgassets_tests.rollout.factories import ROLLOUT

OUTCOMES = {"failures": {"margin": "1 point"}, "looks": 20, "min_requests": 200}


def write(root: Path, **changed: Any) -> None:
    """The test project's contract with a rollout."""
    text = ENDPOINT + yaml.safe_dump({"rollout": ROLLOUT | changed}, sort_keys=False)
    (root / "contracts" / "endpoints" / "cards.yaml").write_text(text)


def test_stages_have_names_and_percents() -> None:
    rollout = Rollout.model_validate(ROLLOUT | {"stages": ["shadow", 0.01, 5, 100]})
    assert [stage_name(s) for s in rollout.stages] == ["shadow", "0.01", "5", "100"]
    assert [percent_of(s) for s in rollout.stages] == [0.0, 0.01, 5.0, 100.0]


def test_outcomes_may_be_written_in_units_and_have_two_defaults() -> None:
    rollout = Rollout.model_validate(ROLLOUT | {"outcomes": OUTCOMES})
    assert rollout.outcomes is not None
    assert rollout.outcomes.failures.margin == pytest.approx(0.01)
    assert (rollout.outcomes.alpha, rollout.outcomes.on_breach) == (0.05, "revert")


@pytest.mark.parametrize(
    ("changed", "field", "message", "fix"),
    [
        ({"stages": [1, "shadow", 100]}, "rollout.stages[1]", "later than the first",
         "put it first"),
        ({"stages": [10, 5, 100]}, "rollout.stages[1]", "5 is not more than the 10", "rising"),
        ({"stages": [1, 50]}, "rollout.stages[1]", "the last stage is not 100", "add 100"),
        ({"stages": [0.001, 100]}, "rollout.stages[0]", "finer than a hundredth", "write 0.01"),
        ({"stages": []}, "rollout.stages", "at least 1", ""),
        ({"min_hours": -1}, "rollout.min_hours", "greater than or equal to 0", ""),
        ({"outcomes": OUTCOMES | {"on_breach": "stop"}}, "rollout.outcomes.on_breach",
         "wanted: one of revert, freeze", "take one"),
        ({"outcomes": OUTCOMES | {"failures": {"margin": 5}}}, "rollout.outcomes.failures.margin",
         "whole range", "5 %"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_field_and_fix(
    project_root: Path, changed: dict[str, Any], field: str, message: str, fix: str
) -> None:
    write(project_root, **changed)
    (problem,) = load_project(project_root).problems
    assert (problem.file, problem.field) == ("contracts/endpoints/cards.yaml", field)
    assert message in problem.message
    assert fix in problem.fix
    assert problem.line > ENDPOINT.count("\n")


def test_a_rollout_changes_its_own_facet_alone(project_root: Path) -> None:
    before = facets_of(load_project(project_root), "endpoints", "cards")
    write(project_root, outcomes=OUTCOMES)
    after = facets_of(load_project(project_root), "endpoints", "cards")
    assert {name for name in after if after[name] != before[name]} == {"rollout"}
