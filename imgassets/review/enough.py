"""How many pairs are enough, said before anybody begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imgassets.decision.review_size import ReviewSize, likely_size
from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Criterion
from imgassets.metrics.review import ACCEPTED

#: Pairs of a model that is compared with none.
_ALONE = 40
#: What is planned for where the contract asks nothing of people.
_EXAMPLE = Criterion(metric=ACCEPTED, floor=0.8)


@dataclass(frozen=True)
class Enough:
    """The plan of a review.

    Attributes:
        pairs: to draw, one a prompt.
        words: why so many.
    """

    pairs: int
    words: tuple[str, ...]


def enough_pairs(contract: Endpoint, model: str) -> Enough:
    """Pairs that show the contract's criteria on people's answers to hold, if the model is good.

    Where the contract has none, those of an example: `review.accepted` with a floor of 80 %.

    Args:
        contract: of the endpoint.
        model: the candidate.
    """
    sizes = list(_sizes(contract, model))
    if sizes:
        return Enough(
            max(s.prompts or 1 for s in sizes), tuple(f"enough: {s.words}" for s in sizes)
        )
    asking = contract.model_copy(update={"criteria": (*contract.criteria, _EXAMPLE)})
    sizes = list(_sizes(asking, model))
    words = tuple(f"with `{{metric: {ACCEPTED}, floor: 80 %}}`: {s.words}" for s in sizes)
    told = (
        "no criterion of the contract asks people, so answers correct the judge and decide nothing"
    )
    return Enough(max((s.prompts or 1 for s in sizes), default=_ALONE), (told, *words))


def _sizes(contract: Endpoint, model: str) -> Iterator[ReviewSize]:
    for criterion in contract.criteria:
        size = likely_size(contract, model, criterion.name)
        if size is not None:
            yield size
