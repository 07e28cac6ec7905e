"""What a contract holds each table of a model to: one list for checks, Data Docs and verdict.

Nothing else decides which rules there are and what they are called. `decision.gx_suites` makes each
rule an expectation of Great Expectations; rows of the comparison, and so of verdict and report,
carry the same names. Plain means are held as soon as a table is there. Error bars, and with them
the incumbent, come in with the comparison, whose rules hold what it decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic_core import to_jsonable_python

from imgassets.documents.base import fingerprint
from imgassets.documents.criteria import Criterion, Severity
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.failures import FAILURE_MODES, NOT_THE_MODELS
from imgassets.flows import STAGES, FlowName
from imgassets.metrics.families import by_people

#: The table of decisions.
COMPARISON = "comparison"
#: The verdict, and its one check.
VERDICT = VERDICT_CHECK = "verdict"
#: Where a check notes its version; the UI sorts by name, and this is for machines.
VERSION_METADATA = "yardstick_version"
#: Stands for every failure mode that the contract does not list.
OTHER = "other"
#: Stands for all failure modes that are the model's own, together.
TOTAL = "total"
#: One check for all that only sends to a person: whether anybody need look.
REVIEW_CHECK = "review"
#: What asks people about every candidate (`review.always`).
ALWAYS = "review__always"
_FAILURES = "failures."
_MODES = tuple(FAILURE_MODES)
_THE_MODELS = tuple(mode for mode in _MODES if mode not in NOT_THE_MODELS)


@dataclass(frozen=True)
class MetricRule:
    """A floor or ceiling, held by a metric table without error bars.

    Attributes:
        criterion: with a floor or a ceiling.
    """

    criterion: Criterion

    @property
    def name(self) -> str:
        """The criterion's, as everywhere."""
        return self.criterion.name

    @property
    def check(self) -> str:
        """The name of the check that shows it."""
        return self.name

    @property
    def severity(self) -> Severity:
        """What follows when it does not hold."""
        return self.criterion.severity

    @property
    def about(self) -> str:
        """What the check is about, without its numbers: these may change while Dagster runs."""
        side = "floor" if self.criterion.floor is not None else "ceiling"
        value = self.criterion.statistic.capitalize()
        return f"{value} {self.criterion.metric} of flow {self.criterion.flow} against its {side}."


@dataclass(frozen=True)
class FailureRule:
    """The highest share of a flow's requests that may fail in some ways, held by an image table.

    Attributes:
        flow: of the requests.
        mode: a failure mode, `other`, or `total`.
        modes: those that count.
        max_rate: the contract's, 0..1.
    """

    flow: FlowName
    mode: str
    modes: tuple[str, ...]
    max_rate: float
    severity: Literal["gating"] = "gating"

    @property
    def name(self) -> str:
        """As the comparison calls it."""
        return failure_name(self.flow, self.mode)

    @property
    def check(self) -> str:
        """The name of the check that shows it; the table says which flow."""
        return f"failures__{self.mode}"

    @property
    def about(self) -> str:
        """What the check is about, without its numbers."""
        return {
            OTHER: "No failure mode occurs that the contract does not list.",
            TOTAL: "How often requests fail in any way.",
        }.get(self.mode, f"How often {self.mode} occurs.")


@dataclass(frozen=True)
class DecisionRule:
    """What the comparison decided, error bars included, held by its table.

    Attributes:
        name: of the criterion, or of the failure mode on a flow.
        rows: the rows of the comparison it speaks of.
        limit: what was decided on, as a plain table is held to it; None for what `review` asks.
    """

    name: str
    rows: tuple[str, ...]
    severity: Severity
    limit: MetricRule | FailureRule | None = None

    @property
    def check(self) -> str:
        """The name of the check that shows it: all that only sends to a person share one."""
        return REVIEW_CHECK if self.severity == "review" else self.name

    @property
    def about(self) -> str:
        """What the check is about, without its numbers."""
        if self.severity == "review":
            return "Nothing that the contract sends to a person is shown to be off."
        return f"What the comparison decided on {self.name}, error bars included."


Rule = MetricRule | FailureRule | DecisionRule


def failure_name(flow: str, mode: str) -> str:
    """The name of a failure mode on a flow, wherever it is judged."""
    return f"{flow}__failures_{mode}"


def failure_metric(mode: str) -> str:
    """What the row of a failure mode is of, in the column where others name their metric."""
    return f"{_FAILURES}{mode}"


def mode_of(metric: str) -> str:
    """The failure mode behind a name of `failure_metric`."""
    return metric.removeprefix(_FAILURES)


def rules_by_table(contract: DecisionContract, model: str) -> dict[str, list[Rule]]:
    """All rules for a model by the table (asset) that is held to them, in the contract's order.

    Args:
        contract: of the endpoint.
        model: the incumbent has no margin against itself, and nobody is sent to look at it.
    """
    tables: dict[str, list[Rule]] = {}
    for criterion in contract.all_criteria:
        if criterion.has_limit and not by_people(criterion.metric):
            family = criterion.metric.partition(".")[0]
            tables.setdefault(family, []).append(MetricRule(criterion))
    for flow in contract.flows:
        tables.setdefault(STAGES[flow], []).extend(_failure_rules(contract, flow))
    tables[COMPARISON] = list(_decision_rules(contract, model))
    return tables


def rules_by_check(contract: DecisionContract, model: str) -> dict[str, dict[str, list[Rule]]]:
    """The rules behind each check, by table and name of the check."""
    found: dict[str, dict[str, list[Rule]]] = {}
    for table, rules in rules_by_table(contract, model).items():
        for rule in rules:
            found.setdefault(table, {}).setdefault(rule.check, []).append(rule)
    return found


def check_versions(contract: DecisionContract, model: str) -> dict[tuple[str, str], str]:
    """The version of what each check holds, by table and name; that of a verdict never changes."""
    found = rules_by_check(contract, model)
    return {(VERDICT, VERDICT_CHECK): version_of([])} | {
        (table, check): version_of(rules)
        for table, checks in found.items()
        for check, rules in checks.items()
    }


def version_of(rules: Sequence[Rule]) -> str:
    """What a check was made against: with another version it has to be made again."""
    return fingerprint(to_jsonable_python(rules))


def limited_modes(
    contract: DecisionContract, occurred: frozenset[str] = frozenset()
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Names that are judged, the failure modes behind each, and the highest rate of each.

    Where all modes are bounded together, those not listed have no limit of their own.

    Args:
        contract: lists modes.
        occurred: further modes to tell apart.
    """
    listed, total = [f.mode for f in contract.failure_modes], contract.failures.total
    shown = [
        mode
        for mode in _MODES
        if mode in listed or (mode in occurred and (total is None or mode in NOT_THE_MODELS))
    ]
    for mode in shown:
        yield mode, (mode,), contract.max_failure_rate(mode)
    if total is not None:
        yield TOTAL, _THE_MODELS, total
    elif rest := tuple(mode for mode in _MODES if mode not in shown):
        yield OTHER, rest, 0.0


def _failure_rules(contract: DecisionContract, flow: FlowName) -> Iterator[FailureRule]:
    judged = [limit for limit in limited_modes(contract) if limit[0] != OTHER]
    for mode, modes, rate in judged:
        yield FailureRule(flow, mode, modes, rate)
    # A missing source is the failure of another image, and is held by the table of that one.
    elsewhere = {"source_missing", *(mode for _, modes, _ in judged for mode in modes)}
    yield FailureRule(flow, OTHER, tuple(m for m in _MODES if m not in elsewhere), 0.0)


def _decision_rules(contract: DecisionContract, model: str) -> Iterator[DecisionRule]:
    alone = model == contract.incumbent
    for c in contract.all_criteria:
        of_pairs = c.severity == "review" or by_people(c.metric)
        if not alone or (c.has_limit and not of_pairs):
            yield DecisionRule(c.name, (c.name,), c.severity, MetricRule(c))
    for flow in contract.flows:
        rules = list(_failure_rules(contract, flow))
        judged = [rule.name for rule in rules if rule.mode != OTHER]
        every = (failure_name(flow, mode) for mode in (*_MODES, OTHER))
        rest = tuple(name for name in every if name not in judged)
        for rule in rules:
            rows = rest if rule.mode == OTHER else (rule.name,)
            yield DecisionRule(rule.name, rows, rule.severity, rule)
    if not alone:
        near = [contract.limited(n) for n in contract.review.near]
        asked = [near_name(limited.name) for limited in near if limited is not None]
        asked += [d.name for d in contract.review.disagree]
        for name in (*asked, *([ALWAYS] if contract.review.always else ())):
            yield DecisionRule(name, (name,), "review")


def near_name(criterion: str) -> str:
    """The name of what sends to a person when a criterion, named so, only just holds."""
    return f"{criterion}__near"
