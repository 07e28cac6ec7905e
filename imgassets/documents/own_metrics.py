"""Metrics that a contract declares for itself: people's ratings, or a team's own measurement.

`metrics: {team.rating: {unit: share, better: higher, range: [0, 1]}}` lets criteria name
`team.rating`. The product does not measure it; `imgassets decide` judges a table that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.metrics.families import METRICS
from imgassets.metrics.family import Metric
from imgassets.metrics.gone import GONE

MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
_declared: ContextVar[Mapping[str, Metric]] = ContextVar("declared", default={})  # noqa: B039


class OwnMetric(Document):
    """One metric of a contract's own."""

    unit: Annotated[str, Facet.CRITERIA] = Field(
        "share", min_length=1, description="`share`, `s`, `points of 5`, ..."
    )
    better: Annotated[Literal["higher", "lower"], Facet.CRITERIA] = Field(
        description="Which way is better."
    )
    range: Annotated[tuple[float, float] | None, Facet.CRITERIA] = Field(
        None,
        description="Lowest and highest possible score; 0 to 1 for a share. Without an end on the "
        "bad side no mean can be shown to hold, unless a `worst` limit sets one.",
    )
    summary: Annotated[str, Facet.CRITERIA] = Field(
        "", description="One sentence for people who read a report."
    )

    @model_validator(mode="after")
    def _range_is_one(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            message = f"range {list(self.range)}: the first must be below the second"
            raise FieldError(message, "write the lower end first", "range")
        return self

    def metric(self, name: str) -> Metric:
        """Its name card."""
        ends = self.range
        if ends is None and self.unit in ("share", "similarity"):
            ends = (0.0, 1.0)
        return Metric(name, self.better, self.unit, self.summary, range=ends)


def known_metric(name: object) -> Metric | None:
    """A metric of the product, or one that the contract being read declares; else None."""
    if not isinstance(name, str):
        return None
    return METRICS.get(name) or _declared.get().get(name) or GONE.get(name)


def known_names() -> list[str]:
    """All names that criteria may use here."""
    return [*METRICS, *_declared.get()]


@contextmanager
def declared(written: object) -> Iterator[None]:
    """Makes a contract's own metrics known while its criteria are read.

    Arguments: `written` is the document's `metrics` as parsed from YAML. What is wrong with it is
    left out here, and told where the field itself is read.
    """
    found: dict[str, Metric] = {}
    for name, value in written.items() if isinstance(written, Mapping) else ():
        metric = _read(name, value)
        if metric is not None:
            found[metric.name] = metric
    token = _declared.set(found)
    try:
        yield
    finally:
        _declared.reset(token)


def _read(name: object, value: Any) -> Metric | None:
    try:
        own = value if isinstance(value, OwnMetric) else OwnMetric.model_validate(value)
    except ValidationError:
        return None
    return own.metric(str(name))
