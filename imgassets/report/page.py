"""The HTML page: views of the input, rendered with autoescaping into one self-contained file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
import pandas as pd

from imgassets.decision import Verdict
from imgassets.decision.formatting import amount, capitalized, confidence
from imgassets.documents.looks import chance_of_any
from imgassets.documents.yardstick import TOTAL, mode_of
from imgassets.flows import label
from imgassets.metrics.families import by_people
from imgassets.report.balance import BalanceItem, balance
from imgassets.report.criteria_view import (
    CriterionView,
    FailureView,
    criterion_view,
    failure_view,
)
from imgassets.report.document import changes_of
from imgassets.report.inputs import ReportInput
from imgassets.report.matrix_view import matrix_view
from imgassets.report.pair_view import MAX_REASON, PairView, pair_views, shortened
from imgassets.report.people_view import PeopleView, people_view
from imgassets.report.pilot_view import measures_of
from imgassets.report.reproducibility_view import repetition_view
from imgassets.report.table import judges_of, telling_name

#: No page is larger, whatever goes in.
MAX_BYTES = 15_000_000
#: Characters for pictures and requests in the page; the next one is tried where that is too much.
_PICTURE_BUDGETS = (9_000_000, 3_000_000, 0)
_MOST_EXAMPLES = 5
#: Pairs shown at once; the others are folded, or a phone would scroll for ever.
_FIRST_PAIRS = 1
#: States of review criteria, in the order they are listed.
_TELLING = ("broken", "undecided", "passed")
_CLOSEST = "; closest: "
_SENTENCE_END = re.compile(r"\. (?=[A-Z])")
_NUMBER_AND_UNIT = re.compile(r"(\d) (%|s\b|MiB\b|points?\b)")


@dataclass(frozen=True)
class ModelView:
    """One model's section."""

    anchor: str
    verdict: Verdict
    is_incumbent: bool
    tally: str
    balance: tuple[BalanceItem, ...]
    about: str
    criteria: tuple[CriterionView, ...]
    people: PeopleView | None
    reviews: tuple[CriterionView, ...]
    reviews_tally: str
    failures: tuple[FailureView, ...]
    telling_pairs: tuple[PairView, ...]
    pairs: tuple[PairView, ...]
    hidden_pairs: int

    @property
    def explanation(self) -> str:
        """The sentence without the verdict's word, which the badge already says."""
        text = self.verdict.sentence.removeprefix(f"{self.verdict.verdict}: ")
        return capitalized(text)

    @property
    def headline(self) -> str:
        """The first part of the explanation: what was won, or what decided."""
        first = _SENTENCE_END.split(self.explanation)[0].partition(_CLOSEST)[0]
        return first.removesuffix(".") + "."


def render_html(report: ReportInput) -> str:
    """The page as text: no script, no external reference, below `MAX_BYTES` in UTF-8.

    Pictures are added in the order of `report.pairs` until their budget is spent; the page says
    how many were left out.
    """
    page = ""
    for budget in _PICTURE_BUDGETS:
        page = _render(report, budget)
        if len(page.encode()) < MAX_BYTES:
            break
    return page


def _render(report: ReportInput, budget: int) -> str:
    with_pairs = sum(1 for v in report.verdicts if report.pairs.get(v.model))
    share = budget // max(1, with_pairs)
    models = [_model_view(report, v, i, share) for i, v in enumerate(report.verdicts, start=1)]
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            endpoint=report.endpoint,
            created=report.created,
            judges=next(iter(judges_of(report.verdicts).values()), ""),
            models=models,
            first_pairs=_FIRST_PAIRS,
            matrix=matrix_view(report.endpoint, report.matrix, report.prices),
            rollout=report.rollout,
            changes=changes_of(report),
            repetitions=repetition_view([v.model for v in report.verdicts], report.repetitions),
            pilots=report.pilots,
            pilot_measures=measures_of(report.pilots),
            provenance=_flattened(report.provenance),
            confidence=confidence(_level(report)),
            chance=_chance(report),
        )
    )
    return page + "\n"


def _level(report: ReportInput) -> float:
    """The highest level that a bound on the page has."""
    levels = [verdict.alpha for verdict in report.verdicts if verdict.alpha is not None]
    return max(levels, default=report.endpoint.decision.alpha)


def _chance(report: ReportInput) -> str:
    """What several candidates mean for the chance of a wrong GO; empty for fewer than two."""
    count = len(report.endpoint.candidates)
    if count < 2:
        return ""
    decision = report.endpoint.decision
    chance = amount(chance_of_any(decision, count), "share")
    how = "" if decision.over == "all" else "; `decision.over: all` in the contract lowers it"
    return (
        f"{count} candidates are judged. If all of them were just too bad, the chance that any is "
        f"wrongly approved would be at most {chance}{how}."
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("imgassets.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tight"] = _tight
    environment.filters["flow_label"] = label
    return environment


def _tight(text: str) -> str:
    """Numbers stay on one line with their unit."""
    return _NUMBER_AND_UNIT.sub("\\1\u00a0\\2", text)


def _model_view(report: ReportInput, verdict: Verdict, number: int, budget: int) -> ModelView:
    comparison = report.comparisons.get(verdict.model)
    rows = [] if comparison is None else comparison.records()
    criteria = tuple(criterion_view(r) for r in rows if r["source"] == "criterion")
    alone = verdict.model == verdict.incumbent
    reviews = sorted(
        (criterion_view(r) for r in rows if r["source"] == "review" and not _vacuous(r, alone)),
        key=lambda view: _TELLING.index(view.state),
    )
    images = report.images.get(verdict.model)
    failures = tuple(
        failure_view(r, _examples(images, r)) for r in rows if r["source"] == "failure"
    )
    names = (verdict.incumbent, verdict.model)
    pairs, hidden = pair_views(
        report.pairs.get(verdict.model, ()), names, report.load, report.requests, budget
    )
    return ModelView(
        anchor=f"model-{number}",
        verdict=verdict,
        is_incumbent=alone,
        balance=tuple(balance(rows, alone)),
        about=telling_name(verdict),
        tally=_tally([c["state"] for c in verdict.criteria if _decides(c)], ""),
        criteria=criteria,
        people=people_view(rows, report.answers.get(verdict.model, ())),
        reviews=tuple(reviews),
        reviews_tally=_tally([view.state for view in reviews], "review"),
        failures=failures,
        telling_pairs=tuple(pair for pair in pairs if pair.tells),
        pairs=tuple(pair for pair in pairs if not pair.tells),
        hidden_pairs=hidden,
    )


def _decides(entry: Mapping[str, Any]) -> bool:
    """Whether a criterion takes part in the verdict by itself, and not by closing a review."""
    return entry["severity"] == "gating" and not by_people(entry["metric"])


def _vacuous(row: Mapping[str, Any], alone: bool) -> bool:
    """Whether a row is but a margin, and the model itself is its yardstick."""
    return alone and row["margin"] is not None and row["floor"] is None and row["ceiling"] is None


def _tally(states: Sequence[str], what: str) -> str:
    counts = [(s, states.count(s)) for s in ("passed", "broken", "undecided")]
    said = ", ".join(f"{n} {state}" for state, n in counts if n)
    noun = f"{what} {'criterion' if len(states) == 1 else 'criteria'}".lstrip()
    return f"{len(states)} {noun}: {said}" if states else f"no {noun}"


def _examples(images: pd.DataFrame | None, row: Mapping[str, Any]) -> tuple[str, ...]:
    if images is None or "message" not in images.columns:
        return ()
    mode = mode_of(row["metric"])
    failed = images["status"] != "ok" if mode == TOTAL else images["status"] == mode
    messages = images.loc[failed & (images["flow"] == row["flow"]), "message"]
    texts = dict.fromkeys(m for m in messages if isinstance(m, str) and m)
    return tuple(shortened(text, MAX_REASON) for text in texts)[:_MOST_EXAMPLES]


def _flattened(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as (dotted key, text), in the order given."""
    found: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            found += _flattened(item, f"{name} \u203a ")
        elif isinstance(item, (list, tuple)):
            found.append((name, ", ".join(map(str, item))))
        else:
            found.append((name, str(item)))
    return [(name, shortened(text, MAX_REASON)) for name, text in found]
