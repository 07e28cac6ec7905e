"""What no number of right images could show is told before an image is made, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgassets.decision.statistics import Estimate
from imgassets.documents import affordable, reachable
from imgassets.documents.problems import Problem
from imgassets.documents.project import load_project
from imgassets.documents.reachable import BestCase
from imgassets_tests.conftest import ENDPOINT, edit_file
from imgassets_tests.documents.test_hosted_documents import GEMINI, hosted_file

CONTRACT = "contracts/endpoints/cards.yaml"


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(["floor", "margin", "max_rate"]),
    st.floats(0.02, 0.9),
    st.sampled_from([0.05, 0.0475, 0.01]),
)
def test_the_number_is_the_first_that_the_decision_rule_lets_pass(
    field: str, size: float, alpha: float
) -> None:
    case, sample, ends = {
        "floor": (BestCase("floor", 1.0, size, 0.0), 1.0, (0.0, 1.0)),
        "margin": (BestCase("margin", 0.0, -size, -1.0), 0.0, (-1.0, 1.0)),
        "max_rate": (BestCase("max_rate", 0.0, size, 1.0), 0.0, (0.0, 1.0)),
    }[field]
    needed = case.prompts_needed(alpha)
    assert needed is not None

    def p(n: int) -> float:
        found = Estimate.of([sample] * n, ends, fewest=1)
        return found.p_at_most(size) if field == "max_rate" else found.p_at_least(case.limit)

    assert p(needed) <= alpha + 1e-6
    assert needed == 1 or p(needed - 1) > alpha - 1e-6


def hints_of(root: Path) -> dict[str, Problem]:
    return {hint.field: hint for hint in reachable.hints(load_project(root))}


def test_too_few_prompts_are_told_with_the_number_and_the_limit_that_would_do(
    project_root: Path,
) -> None:
    hint = hints_of(project_root)["criteria[0].margin"]
    assert (hint.file, hint.line) == (CONTRACT, 12)
    assert "2 prompts cannot show that composition.correct holds" in hint.message
    assert "that takes 14" in hint.message
    assert hint.fix == "add 12 prompts, or write a margin of 0.783 or more"


def test_the_limit_that_is_proposed_is_reached(project_root: Path) -> None:
    edit_file(project_root / CONTRACT, "margin: 0.2}", "margin: 0.783}")
    edit_file(project_root / CONTRACT, "flow: upscale, floor: 0.5", "flow: upscale, floor: 0.362")
    assert set(hints_of(project_root)) == {"failure_modes[0].max_rate"}


def test_costs_warnings_and_worst_images_are_no_matter_of_prompts(project_root: Path) -> None:
    assert "criteria[1].margin" not in hints_of(project_root)  # a warning
    edit_file(project_root / CONTRACT, "floor: 0.5}", "floor: 0.5, statistic: worst}")
    assert "criteria[2].floor" not in hints_of(project_root)


def test_a_margin_against_nobody_is_not_told(project_root: Path) -> None:
    edit_file(project_root / CONTRACT, "candidates: [fast]\n", "")
    assert "criteria[0].margin" not in hints_of(project_root)


def test_all_failures_together_are_a_rate_too(project_root: Path) -> None:
    edit_file(project_root / CONTRACT, "budget:", "failures: {total: 10 %}\nbudget:")
    assert "that takes 29" in hints_of(project_root)["failures.total"].message


def test_the_shipped_contracts_can_reach_go() -> None:
    assert reachable.hints(load_project(Path(__file__).parents[2])) == []


# ---- money ---------------------------------------------------------------------------------


def money(root: Path) -> list[str]:
    return [str(hint) for hint in affordable.hints(load_project(root))]


def test_images_that_cost_more_than_a_model_may_are_told(project_root: Path) -> None:
    path = hosted_file(project_root, GEMINI)
    edit_file(project_root / CONTRACT, ENDPOINT[ENDPOINT.index("budget") :], "")
    assert money(project_root) == []
    text = path.read_text()
    path.write_text(text.replace("max_usd: 5", "max_usd: 0.1"))
    (told,) = money(project_root)
    assert "limits.max_usd: all 14 images cost 0.54 USD; fast may cost 0.10" in told
    assert "[fix: raise it to 0.54" in told


@pytest.mark.parametrize(("limit", "said"), [("0.06", True), ("0.07", False)])
def test_a_price_above_the_budget_can_only_be_no_go(
    project_root: Path, limit: str, said: bool
) -> None:
    hosted_file(project_root, GEMINI)
    edit_file(project_root / CONTRACT, "{seconds_per_image: 60}", f"{{usd_per_image: {limit}}}")
    told = money(project_root)
    assert bool(told) == said
    assert not said or "fast costs 0.067 USD an image of flow generate" in told[0]
