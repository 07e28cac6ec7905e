"""What criteria are called in tables and sentences, by names that a product manager understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imgassets.decision.formatting import capitalized
from imgassets.documents.yardstick import OTHER, TOTAL, failure_metric, mode_of
from imgassets.flows import FIRST, FLOWS
from imgassets.metrics.families import METRICS

#: A row of the comparison, or an entry of a verdict.
Row = Mapping[str, Any]
_FAILURES = {TOTAL: "failures of any kind", OTHER: "failures of another kind"}


def name_of(metric: str) -> str:
    """`exact text` of `typography.exact`; a metric without such a name is called as it is written.

    Failure modes are named as well: `failures: backend error`.
    """
    if metric in METRICS:
        return METRICS[metric].called
    mode = mode_of(metric)
    if metric == failure_metric(mode):
        return _FAILURES.get(mode, f"failures: {mode.replace('_', ' ')}")
    return metric


def name_of_row(row: Row) -> str:
    """The name of what a row is about: two metrics that contradict, one near its limit, or one.

    With the flow behind it, and that it is the worst image that counts: `exact text, upscaled`.
    """
    flow = FLOWS.get(row["flow"])
    done = f", {flow.done}" if flow and flow.name != FIRST else ""
    worst = ", worst image" if row["statistic"] == "worst" else ""
    return f"{_subject(row)}{done}{worst}"


def title_of(metric: str) -> str:
    """The name as a title: `Exact text`."""
    return capitalized(name_of(metric))


def title_of_row(row: Row) -> str:
    """What a row is about, as a title without its flow."""
    return capitalized(_subject(row))


def _subject(row: Row) -> str:
    match str(row["criterion"]).split("__"):
        case [_, one, two, "disagree"]:
            names = {metric.replace(".", "_"): metric for metric in METRICS}
            both = (name_of(names.get(part, part)) for part in (one, two))
            return f"{' and '.join(both)} contradict"
        case [*_, "near"]:
            return f"{name_of(row['metric'])} near its limit"
        case ["review", "always"]:
            return "every candidate"
    return name_of(str(row["metric"]))
