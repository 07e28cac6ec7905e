"""Limits: numbers with units, within the range of their metric, as reports print them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from imgassets.cli.main import main
from imgassets.decision import formatting
from imgassets.documents.contract import Traffic
from imgassets.documents.criteria import (
    Budget,
    Criterion,
    Decision,
    Disagreement,
    FailureRate,
    Near,
    Review,
)
from imgassets.documents.hosted import HostedPrice, Limits
from imgassets.documents.price import Price
from imgassets.documents.units import UNITS, amount, level, step, unit_of_limit
from imgassets.metrics.families import METRICS
from imgassets.metrics.gone import GONE
from imgassets_tests.conftest import edit_file

EXACT = "typography.exact"
PSNR = {"metric": "upscaling.consistency_psnr", "flow": "upscale"}
PRICE = {"source": "a test", "as_of": "2026-11-24"}
RATE = {"metrics": [EXACT, "typography.words"]}


def said(model: type[BaseModel], **fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return "\n".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in caught.value.errors())


@pytest.mark.parametrize(
    ("metric", "written", "value"),
    [
        (EXACT, 0.05, 0.05),
        (EXACT, "0.05", 0.05),
        (EXACT, "5e-2", 0.05),  # YAML 1.1 calls this a string
        (EXACT, "5 %", 0.05),
        (EXACT, "5%", 0.05),
        (EXACT, "5\u00a0%", 0.05),
        (EXACT, "7 points", 0.07),
        (EXACT, "1 point", 0.01),
        (EXACT, "5 pp", 0.05),
        (EXACT, "2.5 percentage points", 0.025),
        (EXACT, "5 Percent", 0.05),
        ("typography.cer", "5 %", 0.05),
        ("typography.ned", 0.05, 0.05),
        ("cost.seconds", "500 ms", 0.5),
        ("cost.seconds", "20 s", 20.0),
        ("cost.seconds", "2 minutes", 120.0),
        ("cost.usd", "$0.04", 0.04),
        ("cost.usd", "0.04 USD", 0.04),
        ("cost.usd", "4 cents", 0.04),
        ("cost.peak_memory", "4 GiB", 4096.0),
        ("artefacts.checkerboard", "2 levels", 2.0),
        ("look.lightness", "1 L*", 1.0),
        ("look.sharpness", "0.05 decades", 0.05),
        ("composition.correct", 0, 0.0),
    ],
)
def test_a_margin_may_say_its_unit(metric: str, written: object, value: float) -> None:
    assert Criterion(metric=metric, margin=written).margin == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "limit", "written", "says"),
    [
        (EXACT, "margin", 5, "did you mean `0.05`, or write `5 %` or `5 points`?"),
        (EXACT, "margin", "100 %", "would allow everything"),
        (EXACT, "margin", 1, "did you mean `0.01`"),
        (EXACT, "margin", 500, "would allow everything; write for example `0.05`"),
        (EXACT, "margin", -0.05, "not negative; did you mean `0.05`"),
        (EXACT, "margin", float("inf"), "no limit is infinite"),
        (EXACT, "margin", float("nan"), "no limit is infinite or not a number"),
        (EXACT, "margin", 10**400, "no limit is infinite"),
        (EXACT, "margin", "1e400", "no limit is infinite"),
        (EXACT, "margin", True, "true and false are no numbers"),
        (EXACT, "margin", "0,05", "a comma is no decimal point; did you mean `0.05`?"),
        (EXACT, "margin", "5 dB", "'dB' is no unit of a share; write for example `0.05`, `5 %`"),
        (EXACT, "margin", "five", "not a number"),
        (EXACT, "margin", "1:30", "not a number"),
        (EXACT, "margin", [5], "not a number"),
        (EXACT, "floor", 60, "a share lies between 0 and 1; did you mean `0.6`, or write `60 %`"),
        (EXACT, "floor", -0.1, "a share lies between 0 and 1"),
        (EXACT, "floor", float("-inf"), "no limit is infinite"),
        ("artefacts.clipping", "ceiling", 60, "did you mean `0.6`"),
        ("typography.ned", "floor", 83, "a similarity lies between 0 and 1; did you mean `0.83`?"),
        ("typography.ned", "margin", "5 %", "'%' is no unit of a similarity; did you mean `0.05`?"),
        ("typography.cer", "ceiling", 5, "an error rate lies between 0 and 1; did you mean `0.05`"),
        ("artefacts.blockiness", "ceiling", 120, "did you mean `1.2`?"),
        ("artefacts.blockiness", "margin", 5, "did you mean `0.05`?"),
        ("artefacts.checkerboard", "ceiling", 300, "between 0 and 255"),
        ("cost.seconds", "ceiling", 5000, "between 0 and 3,600 s; did you mean `5`?"),
        ("cost.seconds", "ceiling", -1, "between 0 and 3,600 s"),
        ("cost.seconds", "margin", "10 %", "'%' is no unit of a time; write for example `20 s`"),
        ("cost.usd", "ceiling", "0.04 EUR", "'EUR' is no unit of an amount of money"),
        ("cost.peak_memory", "ceiling", 4 * 2**30, "did you mean `4096`?"),
        ("look.lightness", "margin", 100, "would allow everything"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_what_was_meant(
    metric: str, limit: str, written: object, says: str
) -> None:
    found = said(Criterion, metric=metric, **{limit: written})
    assert found.startswith(f"{limit}: ")
    assert says in found
    assert "\n" not in found  # no second error that follows from the first


@pytest.mark.parametrize(
    ("model", "good", "bad", "says"),
    [
        (FailureRate, {"mode": "blank", "max_rate": "2 %"}, {"max_rate": 2}, "did you mean `0.02`"),
        (FailureRate, {"mode": "blank", "max_rate": 1}, {"max_rate": True}, "true and false"),
        (Near, {"metric": EXACT, "within": "2 points"}, {"within": 2}, "did you mean `0.02`"),
        (Near, {"metric": EXACT, "within": 0.02}, {"within": float("inf")}, "infinite"),
        (Near, PSNR | {"within": "3 dB"}, {"within": "3 %"}, "'%' is no unit"),
        (Disagreement, RATE | {"max_rate": "20 %"}, {"max_rate": 20}, "did you mean `0.2`"),
        (Review, {"look": {"chroma": "1 C*"}}, {"look": {"chroma": -1}}, "chroma: a margin"),
        (Review, {"look": {"chroma": 1}}, {"look": {"chroma": float("nan")}}, "chroma: no limit"),
        (Review, {"look": {"chroma": 1}}, {"look": {"colour": 1}}, "unknown look 'colour'"),
        (Decision, {"alpha": "5 %"}, {"alpha": 5}, "did you mean `0.05`"),
        (Budget, {"usd_per_image": "$0.04"}, {"usd_per_image": float("inf")}, "infinite"),
        (Budget, {"worst_seconds": "20 s"}, {"worst_seconds": 20000}, "did you mean `20`?"),
        (Budget, {"seconds_per_image": "800 ms"}, {"seconds_per_image": 0}, "greater than 0"),
        (Price, PRICE | {"usd_per_hour": "$2"}, {"usd_per_hour": float("nan")}, "not a number"),
        (Price, PRICE | {"usd_per_image": "4 cents"}, {"usd_per_image": -0.04}, "between 0"),
        (HostedPrice, PRICE | {"usd_per_image": 0.04}, {"usd_per_image": "4 s"}, "'s' is no unit"),
        (Limits, {"max_usd": "$5"}, {"max_usd": float("inf")}, "infinite"),
        (Limits, {"max_usd": 5, "patience_seconds": "5 min"}, {"patience_seconds": -1}, "greater"),
        (Traffic, {"busiest_hour": 60, "per_month": {}}, {"busiest_hour": float("nan")}, "finite"),
    ],
)
def test_every_place_that_takes_a_limit_holds_it_to_its_range(
    model: type[BaseModel], good: dict[str, Any], bad: dict[str, Any], says: str
) -> None:
    model.model_validate(good)
    assert says in said(model, **(good | bad))


def test_every_unit_of_a_metric_has_a_range() -> None:
    assert {m.unit for m in (METRICS | GONE).values()} == set(UNITS)


@given(
    # Powers of ten are printed as percent, which a contract does not take for decades.
    st.sampled_from(sorted(m for m in METRICS if METRICS[m].unit != "decades")),
    st.floats(0, 1),
)
def test_what_a_report_prints_is_taken_as_it_stands(metric: str, share: float) -> None:
    """A value and a difference in the report's words, within the digits they are printed with."""
    unit, limit = METRICS[metric].unit, unit_of_limit(METRICS[metric])
    value = share * min(limit.highest, 200.0)
    assert amount(formatting.amount(value, unit), limit) == pytest.approx(value, rel=0.01, abs=0.01)
    assert amount(formatting.step(value, unit), limit) == pytest.approx(value, rel=0.01, abs=0.01)


@given(
    st.sampled_from(sorted(UNITS)),
    st.one_of(
        st.floats(), st.integers(), st.booleans(), st.none(), st.text(), st.lists(st.integers()),
        st.from_regex(r"\A[+-]?[0-9]{1,5}(\.[0-9]{1,5})?(e[+-]?[0-9]{1,12})? ?[%a-zA-Z$]{0,6}\Z"),
    ),
)  # fmt: skip
def test_anything_is_a_number_within_the_range_or_refused(unit: str, written: object) -> None:
    known = UNITS[unit]
    for read, low, high in ((level, known.lowest, known.highest), (step, 0, known.width)):
        try:
            found = read(written, known)
        except ValueError:
            continue
        assert low <= found <= high


def test_check_names_file_line_field_and_what_was_meant(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = project_root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "margin: 0.2}", "margin: 20}")
    assert main(["check"]) != 0
    assert (
        "contracts/endpoints/cards.yaml:12: criteria[0].margin: that is the whole range of a "
        "share, so it would allow everything (found: the number 20) [fix: did you mean `0.2`, "
        "or write `20 %` or `20 points`?]"
    ) in capsys.readouterr().out
    edit_file(contract, "margin: 20}", "margin: 20 points}")
    assert main(["check"]) == 0


def test_the_unit_a_limit_is_written_with_changes_no_version(project_root: Path) -> None:
    """`20 points` and 0.2 are one meaning: nothing is judged again."""
    from imgassets.documents.facets import facets_of
    from imgassets.documents.project import load_project

    before = facets_of(load_project(project_root), "endpoints", "cards")
    contract = project_root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "floor: 0.1, margin: 0.2}", "floor: 10 %, margin: 20 points}")
    edit_file(contract, "max_rate: 0.05", "max_rate: 5 %")
    edit_file(contract, "seconds_per_image: 60", "seconds_per_image: 1 min")
    assert facets_of(load_project(project_root), "endpoints", "cards") == before
