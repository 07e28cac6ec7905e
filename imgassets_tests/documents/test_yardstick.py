"""Which rules a contract holds a model to, and what they are called."""

from __future__ import annotations

from imgassets.decision import compare
from imgassets.documents.yardstick import rules_by_table
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured

CRITERIA = [
    {"metric": "typography.exact", "floor": 0.6, "margin": 0.05},
    {"metric": "typography.ned", "margin": 0.05, "severity": "warning"},
    {"metric": "typography.words", "floor": 0.9, "severity": "review"},
]
CONTRACT = endpoint(
    CRITERIA,
    flows=["generate"],
    failure_modes=[{"mode": "blank", "max_rate": 0.02}],
    budget={"worst_seconds": 3},
    review={"look": {"lightness": 1.0}, "near": [{"metric": "typography.exact", "within": 0.02}]},
)


def names(model: str) -> dict[str, list[tuple[str, str]]]:
    """(rule, check) of each table."""
    tables = rules_by_table(CONTRACT, model)
    return {table: [(rule.name, rule.check) for rule in rules] for table, rules in tables.items()}


def test_rules_of_a_candidate() -> None:
    exact, ned, words = (f"generate__typography_{m}" for m in ("exact", "ned", "words"))
    worst = "generate__cost_seconds__worst"
    lightness = "generate__look_lightness"
    blank, other = "generate__failures_blank", "generate__failures_other"
    assert names(NEW) == {
        "typography": [(exact, exact), (words, words)],
        "cost": [(worst, worst)],
        "generated": [(blank, "failures__blank"), (other, "failures__other")],
        "comparison": [
            *((name, name) for name in (exact, ned)),
            (words, "review"),
            (worst, worst),
            (lightness, "review"),
            *((name, name) for name in (blank, other)),
            (f"{exact}__near", "review"),
        ],
    }


def test_the_incumbent_has_no_margin_and_nobody_is_sent_to_look_at_it() -> None:
    checks = {check for _, check in names(BASE)["comparison"]}
    assert "generate__typography_exact" in checks
    assert not checks & {"generate__typography_ned", "review"}


def test_every_row_of_a_comparison_is_held_by_a_rule_of_its_name() -> None:
    """Verdict, report and checks speak of the same criteria by the same names."""
    metrics = {c["metric"]: lambda p, s: 1.0 for c in CRITERIA}
    sides = [
        measured(model, metrics, range(10), failed={(3, 1): "unreadable"}) for model in (NEW, BASE)
    ]
    rows = set(compare(CONTRACT, *sides).table["criterion"])
    rules = rules_by_table(CONTRACT, NEW)["comparison"]
    assert {"generate__failures_unreadable", "generate__failures_blank"} <= rows
    assert rows <= {row for rule in rules for row in rule.rows}
    assert {rule.name for rule in rules} <= rows | {"generate__failures_other"}
