"""How many pairs people must answer, said before they begin."""

from __future__ import annotations

from dataclasses import dataclass

from imgassets.decision.formatting import amount, confidence
from imgassets.decision.names import name_of
from imgassets.decision.needed_data import prompts_needed
from imgassets.decision.power import POWER
from imgassets.decision.statistics import Estimate
from imgassets.documents.criteria import Criterion
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.looks import level
from imgassets.flows import FlowName
from imgassets.metrics.families import by_people
from imgassets.metrics.review import PREFERENCE

#: True shares that sizes are told for: of accepted pairs, and of preference (equal, and better).
ACCEPTED_IN = (0.9, 0.95, 0.99)
PREFERRED_IN = (0.5, 0.6)
_LIKELY = 0.95
#: Share of pairs that people call equal, where a preference is planned.
TIES = 0.4
#: A sample that shows all values in their shares, however they fall.
_FINE = 1000


@dataclass(frozen=True)
class ReviewSize:
    """What one criterion on people's answers asks of a review.

    Attributes:
        criterion, metric, flow, floor: of the contract.
        truth: the true share that is taken for granted, 0 to 1.
        prompts: prompts with an answered pair that show it to hold with 80 % chance; one pair a
            prompt does. None where no practical number would.
        alpha: level of the bound.
    """

    criterion: str
    metric: str
    flow: FlowName
    floor: float
    truth: float
    prompts: int | None
    alpha: float

    @property
    def shown_truth(self) -> str:
        """The assumed share in words: `95 %`."""
        return amount(self.truth, "share")

    @property
    def words(self) -> str:
        """In one line: `accepted by people at least 80 %: 82 pairs, one a prompt, if ...`."""
        limit, truth = amount(self.floor, "share"), self.shown_truth
        asks = f"{name_of(self.metric)} at least {limit}"
        if self.prompts is None:
            return f"{asks}: no practical number of pairs shows it, if {truth} is the truth"
        return (
            f"{asks}: {self.prompts:,} pairs, one a prompt, if {truth} is the truth "
            f"({100 * POWER:.0f} % chance, {confidence(self.alpha)} confidence)"
        )


def pairs_needed(contract: DecisionContract, model: str, look: int = 1) -> list[ReviewSize]:
    """How many prompts' pairs people must answer for each criterion on their answers.

    Meant for `imgassets review`, before anybody begins: the largest number of those that are
    assumed likely is the one to plan for. The unit is the prompt: further seeds of a prompt, or a
    second person, help less than another prompt. Answer as many before the verdict is asked for:
    each verdict on more answers is another look, and judged more strictly.

    Args:
        contract: of the endpoint.
        model: the candidate; nothing is asked of the incumbent.
        look: which look at the answers is planned, from 1.

    Returns: one entry a gating criterion and assumed truth, in the contract's order; empty where
        the contract asks nothing of people.
    """
    if model == contract.incumbent:
        return []
    alpha = level(contract.decision, look, len(contract.candidates))
    return [
        ReviewSize(c.name, c.metric, c.flow, floor, truth, _needed(c, floor, truth, alpha), alpha)
        for c in contract.criteria
        if by_people(c.metric) and c.severity == "gating" and (floor := c.floor) is not None
        for truth in (PREFERRED_IN if c.metric == PREFERENCE else ACCEPTED_IN)
        if truth > floor
    ]


def likely_size(
    contract: DecisionContract, model: str, criterion: str, look: int = 1
) -> ReviewSize | None:
    """The size to plan for, of one criterion: where 95 % are accepted, or the models are equal.

    Where no practical number would show that, the next better truth that one would.
    """
    sizes = [s for s in pairs_needed(contract, model, look) if s.criterion == criterion]
    likely = [s for s in sizes if s.metric == PREFERENCE or s.truth >= _LIKELY] or sizes[-1:]
    return next((s for s in likely if s.prompts is not None), likely[0] if likely else None)


def _needed(criterion: Criterion, floor: float, truth: float, alpha: float) -> int | None:
    """Planned as all further data is: a sample that shows the truth, a little unlucky."""
    if alpha <= 0:
        return None
    ties = TIES if criterion.metric == PREFERENCE else 0.0
    wins = round(_FINE * (truth - ties / 2))
    halves = round(_FINE * ties)
    values = [1.0] * wins + [0.5] * halves + [0.0] * (_FINE - wins - halves)
    return prompts_needed(Estimate.of(values, (0.0, 1.0)), floor, alpha, above=True)
