"""From measurements to a report, and the table of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imgassets.decision import compare, decide
from imgassets.report.assemble import assemble
from imgassets.report.build import build_report
from imgassets.report.table import verdict_table
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured
from imgassets_tests.report.factories import draw


def test_assembled_from_tables_alone() -> None:
    """Pairs, their requests and costs are found; a failed image has no request to show."""
    contract = endpoint([{"metric": "typography.exact", "floor": 0.2, "margin": 0.1}])
    exact = {NEW: lambda p, s: float(p % 2), BASE: lambda p, s: float(p % 4 > 0)}
    models = {
        name: measured(
            name,
            {
                "typography.exact": exact[name],
                "cost.seconds": lambda p, s: 1.0 + p / 100,
                "cost.usd": lambda p, s: 0.01,
                "cost.peak_memory": lambda p, s: 100.0,
            },
            range(24),
            failed={(3, 1): "blank"} if name == NEW else {},
        )
        for name in (BASE, NEW)
    }
    comparisons = {
        name: compare(contract, mine, None if name == BASE else models[BASE])
        for name, mine in models.items()
    }
    verdicts = [decide(c) for c in comparisons.values()]

    def request(key: str) -> Mapping[str, Any]:
        if key == f"{NEW}-3-1":
            raise KeyError(key)
        return {"prompt": f"prompt of {key}"}

    report = assemble(
        contract, models, comparisons, verdicts,
        load=draw, request=request, provenance={"commit": "abc"},
        prices={}, repetitions={}, answers={}, describe=lambda *_: "", created="today",
    )  # fmt: skip
    page = build_report(report)["report.html"]
    assert "prompt of tiny-new-0-1" in page
    assert "its request was not passed to the report" in page
    assert "Cost and quality" in page
    assert page.count("No usable image") == 1


def test_terminal_table_has_the_sentence_and_what_decided() -> None:
    contract = endpoint([{"metric": "typography.exact", "margin": 0.1}])
    scores = {"typography.exact": lambda p, s: 1.0}
    base = measured(BASE, scores, range(40))
    bad = measured(NEW, scores, range(40), failed={(0, 1): "blank"})
    text = verdict_table([decide(compare(contract, base)), decide(compare(contract, bad, base))])
    assert "tiny-base (incumbent)" in text
    assert "failures: blank" in text
    assert "generate__" not in text
    assert "1 of 80 requests gave a blank image" in text
    assert max(len(line) for line in text.splitlines()) <= 80
