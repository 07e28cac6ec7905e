"""What a metric family says of itself, once, for documents, graph, tables, reports and docs.

This is light on purpose: documents are checked against it without numpy or OpenCV. A family's
scorer imports its formulas when images are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from imgassets.flows import FLOWS, FlowName

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch
    from imgassets.metrics.scores import Score

#: `same`: neither way is better; only a step away from the incumbent, either way, is worse.
Direction = Literal["higher", "lower", "same"]
#: The scores of one image, given its row of an image table.
Scorer = Callable[[Any], "list[Score]"]
#: Rows of an image table with the scores of each.
Scored = Iterable[tuple[Any, "Sequence[Score]"]]


class BatchScorer(Protocol):
    """A `Scorer` that can look at several images in one go, as learned judges like to."""

    def __call__(self, image: Any) -> list[Score]:
        """The scores of one image."""

    def many(self, images: Sequence[Any]) -> list[list[Score] | ValueError]:
        """The scores of each image, or the `JudgeError` that says why it has none.

        Args:
            images: rows of an image table; as many as the judge looks at together.

        Raises:
            OSError, SyntaxError, ValueError: an image cannot be read; ask for each alone then.
        """
        ...


@dataclass(frozen=True)
class Metric:
    """One number that a contract may hold a model to.

    Attributes:
        name: `family.metric`, as contracts write it.
        direction: which way is better.
        unit: `share` (0..1), `s`, `MiB`, `USD`, `dB`, `levels`, ...; see `documents.units`.
        summary: one sentence for people who read a report.
        flows: where it is measured.
        range: lowest and highest possible score of a metric of one's own.
        phrase: what its number says, with `{}` for the number; a plain sentence where empty.
        limit_unit: unit of its limits, where they have a narrower range than its scores.
        certain: has no error by its nature, so it is compared as it is.
        follows: metric in a fixed ratio to it, whose `worst` limit bounds it as well.
        worst_field: field of the contract that limits the worst generated image.
        judged_by: kinds of judge that measure it; all of the family's where empty.
        called: its name in tables and sentences, for people who know no contract; a metric of
            one's own has none.
    """

    name: str
    direction: Direction
    unit: str
    summary: str
    flows: tuple[FlowName, ...] = tuple(FLOWS)
    range: tuple[float, float] | None = None
    phrase: str = ""
    limit_unit: str = ""
    certain: bool = False
    follows: str = ""
    worst_field: str = ""
    judged_by: tuple[str, ...] = ()
    called: str = ""

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.split(".", 1)[0]


@dataclass(frozen=True)
class Family:
    """Metrics that are measured together.

    Attributes:
        name: first part of its metrics' names; also of its module, asset and table.
        version: raised when a number of it changes meaning; that recomputes its tables, no image.
        question: what it asks of an image, in one sentence.
        metrics: in the order of documentation and tables.
        depends_on: `(kind of document, facet)` that its scores depend on besides the images;
            `prompts` are all sets of the contract.
        scorer: makes the function that scores the images of a branch; imports the formulas.
        by_expectation: scores only what an image's expectation asks; the rest has no row.
        asked: what the documents say that the scores of an image depend on, beside the image
            itself; None where they say nothing of it.
        libraries: packages whose version can change its scores beside those of judges.
        across: the scores that depend on the other images of the table, by image key, from what
            was scored of each; None where there are none.
        of_making: measures the making of an image and not the image. Batches, not prompts, are
            then what was measured; nothing of it is to be seen, and an unusable image has it too.
        judged: a judge that the contract may choose gives its scores.
        judge: the embedded judge where the contract is silent; without one the family is measured
            only where a contract names a judge.
        by_people: people's answers on pairs of images give its numbers. No image is scored, so it
            has no table: the comparison reads the answers.
    """

    name: str
    version: str
    question: str
    metrics: tuple[Metric, ...]
    depends_on: tuple[tuple[Literal["endpoints", "models", "prompts"], str], ...]
    scorer: Callable[[Branch], Scorer]
    by_expectation: bool = False
    asked: Callable[[Branch, Any], Any] | None = None
    libraries: tuple[str, ...] = ()
    across: Callable[[Branch, Scored], dict[str, list[Score]]] | None = None
    of_making: bool = False
    judged: bool = False
    judge: str = ""
    by_people: bool = False

    def measured_on(self, flow: str, judge_kind: str = "") -> list[str]:
        """Names of the metrics that are measured on a flow, by a kind of judge where one is."""
        return [
            metric.name
            for metric in self.metrics
            if flow in metric.flows
            and (not judge_kind or not metric.judged_by or judge_kind in metric.judged_by)
        ]
