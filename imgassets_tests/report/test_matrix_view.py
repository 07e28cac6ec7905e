"""The cost section: numbers in words, the front drawn, and what is not known said."""

from __future__ import annotations

import dataclasses

import pytest

from imgassets.decision.matrix import FlowCost, Quality, Standing
from imgassets.report.front_plots import front_plots
from imgassets.report.inputs import ReportInput
from imgassets.report.matrix_view import matrix_view
from imgassets.report.page import render_html
from imgassets.report.reproducibility_view import repetition_view
from imgassets_tests.report.factories import REPEATED


def test_every_model_has_a_cell_in_every_row(made_up: ReportInput) -> None:
    view = matrix_view(made_up.endpoint, made_up.matrix, made_up.prices)
    assert view is not None
    assert view.models == tuple(v.model for v in made_up.verdicts)
    titles = [group.title for group in view.groups]
    assert titles == [
        "Quality", "An image", "Speed alone", "Busiest hour, waiting included", "A month",
    ]  # fmt: skip
    assert all(len(row.cells) == len(view.models) for g in view.groups for row in g.rows)
    assert any("made-up price list, 2026-11-24" in remark for remark in view.remarks)


def test_the_front_joins_the_best_and_leaves_the_beaten_hollow(made_up: ReportInput) -> None:
    view = matrix_view(made_up.endpoint, made_up.matrix, made_up.prices)
    assert view is not None
    for plot in view.plots:
        best = [dot for dot in plot.scatter.dots if dot.best]
        assert ", ".join(sorted(d.model for d in best)) == ", ".join(sorted(plot.front.split(", ")))
        ends = {(x1, y1) for x1, y1, _, _ in plot.scatter.front}
        assert {(dot.x, dot.y) for dot in best} <= ends
    page = render_html(made_up)
    assert page.count('class="front"') == sum(len(p.scatter.front) for p in view.plots)
    beaten = sum(not dot.best for plot in view.plots for dot in plot.scatter.dots)
    assert page.count(' beaten"') == beaten
    assert "Pareto front" in page


@pytest.mark.parametrize(
    ("metric", "best", "better"),
    [("look.repeated", {"a"}, "downwards"), ("typography.words", {"a", "b", "c"}, "upwards")],
)
def test_the_front_knows_which_way_is_better(
    made_up: ReportInput, metric: str, best: set[str], better: str
) -> None:
    """1 %, 9 % and 30 % at a rising price: of repeats only the first is unbeaten, of words all."""
    found = [
        Standing(
            name,
            {"it": Quality(metric, "generate", "share", rate, rate - 0.01, rate + 0.01)},
            {"generate": FlowCost(1.0, usd, 100.0)},
            chains={"generate": ("generate",)},
        )
        for name, rate, usd in zip("abc", (0.01, 0.09, 0.30), (0.01, 0.02, 0.03), strict=True)
    ]
    (plot,) = front_plots(found)
    assert {dot.model for dot in plot.scatter.dots if dot.best} == best
    heights = [dot.y for dot in plot.scatter.dots]  # from the top
    assert heights == sorted(heights, reverse=True)
    page = render_html(dataclasses.replace(made_up, matrix=found))
    assert f"</b> (%, {better} is better) against" in page


def test_free_models_are_plotted_against_seconds(made_up: ReportInput) -> None:
    def free(standing: Standing) -> Standing:
        steps = {f: dataclasses.replace(c, usd=0.0) for f, c in standing.steps.items()}
        return dataclasses.replace(standing, steps=steps)

    paid, gratis = front_plots(made_up.matrix), front_plots([free(s) for s in made_up.matrix])
    assert {plot.cost for plot in paid} == {"USD for 1,000 images"}
    assert {plot.cost for plot in gratis} == {"seconds for an image"}


def test_what_is_not_known_is_said(made_up: ReportInput) -> None:
    calm = made_up.endpoint.model_copy(update={"traffic": None})
    quiet = [dataclasses.replace(s, waiting=None, month={}) for s in made_up.matrix]
    view = matrix_view(calm, quiet, {})
    assert view is not None
    assert "Busiest hour, waiting included" not in [g.title for g in view.groups]
    assert any("no `traffic`" in remark for remark in view.remarks)
    other = [dataclasses.replace(s, measured_batch=16) for s in made_up.matrix]
    view = matrix_view(made_up.endpoint, other, {})
    assert view is not None
    assert any("in batches of 16; in batches of 4 they may differ" in r for r in view.remarks)
    assert matrix_view(calm, [dataclasses.replace(s, steps={}) for s in quiet], {}) is None


def test_an_overloaded_model_is_called_so(made_up: ReportInput) -> None:
    assert made_up.matrix[0].waiting is not None
    buried = dataclasses.replace(made_up.matrix[0].waiting, median=None, p95=None, worst=None)
    view = matrix_view(
        made_up.endpoint, [dataclasses.replace(made_up.matrix[0], waiting=buried)], {}
    )
    assert view is not None
    (group,) = (g for g in view.groups if g.title.startswith("Busiest"))
    assert [row.cells[0][0] for row in group.rows][1:] == ["overloaded"] * 3


@pytest.mark.parametrize(
    ("index", "word"), [(0, "identical"), (1, "within tolerance"), (2, "different")]
)
def test_repetitions_in_a_word(index: int, word: str) -> None:
    view = repetition_view(("one", "two"), {"one": [REPEATED[index]]})
    (row,) = view.rows
    assert [cell.word for cell in row.cells] == [word, "not measured"]


def test_nothing_repeated_is_said(made_up: ReportInput) -> None:
    page = render_html(dataclasses.replace(made_up, repetitions={}))
    assert "Not measured yet" in page
    assert "Not measured yet" not in render_html(made_up)
