"""`imgassets decide`: a table that anybody made, judged by the product's rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from imgassets.cli.main import main
from imgassets.decision import compare, decide, decide_table
from imgassets.decision.errors import DecisionError
from imgassets.decision.score_files import read_contract
from imgassets_tests.decision.factories import BASE, NEW, measured

EXACT = "typography.exact"


def contract(tmp_path: Path, **changed: Any) -> Path:
    written = {
        "endpoint": "hero-banner",
        "incumbent": BASE,
        "candidates": [NEW],
        "criteria": [{"metric": EXACT, "margin": "5 points"}],
    } | changed
    path = tmp_path / "contract.yaml"
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


def scores(new: float, base: float, prompts: int = 120, metric: str = EXACT) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        [
            (model, f"p{p:03d}", seed, metric, float(rng.random() < rate))
            for model, rate in ((NEW, new), (BASE, base))
            for p in range(prompts)
            for seed in (1, 2)
        ],
        columns=["model", "prompt_id", "seed", "metric", "value"],
    )


def written(tmp_path: Path, table: pd.DataFrame, form: str = "csv") -> Path:
    path = tmp_path / f"scores.{form}"
    if form == "csv":
        table.to_csv(path, index=False)
    elif form == "parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_json(path, orient="records", lines=True)
    return path


def run(tmp_path: Path, table: pd.DataFrame, form: str = "csv", **changed: Any) -> int:
    rules = contract(tmp_path, **changed)
    return main(
        ["decide", "--scores", str(written(tmp_path, table, form)), "--contract", str(rules),
         "--json"]
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_every_form_gives_the_verdict_of_the_rule(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same objects as those of `validate --json`: what `compare` and `decide` say."""
    table = scores(0.5, 0.9)
    assert run(tmp_path, table, form) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "NO-GO"
    sides = [
        measured(
            model,
            {EXACT: lambda p, s, m=model: table[
                (table.model == m) & (table.prompt_id == f"p{p:03d}") & (table.seed == s)
            ]["value"].iloc[0]},
            range(120),
        )
        for model in (NEW, BASE)
    ]  # fmt: skip
    expected = decide(compare(read_contract(contract(tmp_path)), *sides))
    assert found["sentence"] == expected.sentence
    assert found["criteria"][0] == expected.to_dict()["criteria"][0]


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 when every candidate is GO, 1 when not, 2 on bad input."""
    assert run(tmp_path, scores(1.0, 1.0)) == 0
    assert run(tmp_path, scores(0.8, 1.0)) == 1
    assert run(tmp_path, scores(1.0, 1.0).drop(columns="seed")) == 2
    assert "missing: seed" in capsys.readouterr().err


def test_people_decide_by_the_same_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A metric of one's own, on a scale from 1 to 5."""
    own = {"team.rating": {"unit": "points of 5", "better": "higher", "range": [1, 5]}}
    criteria = [{"metric": "team.rating", "margin": 0.5, "floor": 3}]
    rng = np.random.default_rng(1)
    table = scores(1, 1, metric="team.rating").assign(
        value=lambda t: rng.integers(4, 6, len(t)).astype(float)
    )
    assert run(tmp_path, table, metrics=own, criteria=criteria) == 0
    out = capsys.readouterr().out
    assert json.loads(out)[0]["criteria"][0]["metric"] == "team.rating"
    assert run(tmp_path, table.assign(value=7.0), metrics=own, criteria=criteria) == 2
    assert "row 1, column value: is 7.0, and team.rating goes from 1.0 to 5.0" in (
        capsys.readouterr().err
    )
    assert run(tmp_path, table, metrics=own, criteria=[{"metric": "team.rating", "floor": 9}]) == 2
    assert "lies between 1 and 5" in capsys.readouterr().err


def test_a_full_contract_of_the_demo_is_read_as_well() -> None:
    rules = read_contract(Path(__file__).parents[2] / "contracts" / "endpoints" / "headline.yaml")
    assert rules.incumbent == "tiny-base"
    assert len(rules.all_criteria) > 5


def test_failed_images_count_with_their_status(tmp_path: Path) -> None:
    """A blank image is a 0 of the share, and a mode the contract does not allow."""
    table = scores(1.0, 1.0).assign(status="ok")
    table.loc[table["model"] == NEW, "status"] = np.where(np.arange(240) < 60, "blank", "ok")
    table.loc[table["status"] == "blank", "value"] = np.nan
    rules = read_contract(contract(tmp_path))
    (verdict,) = decide_table(table, rules)
    assert verdict.verdict == "NO-GO"
    assert verdict.decided_by[0] == "generate__failures_blank"
    exact = verdict.criteria[0]
    assert (exact["value"], exact["delivered"]) == (0.75, 1.0)


def test_other_seeds_are_paired_by_prompt(tmp_path: Path) -> None:
    """A hosted model numbers its images as it likes."""
    table = scores(1.0, 1.0)
    table.loc[table["model"] == NEW, "seed"] += 100
    (verdict,) = decide_table(table, read_contract(contract(tmp_path)))
    assert verdict.verdict == "GO"


def spoiled(what: str) -> pd.DataFrame:  # noqa: C901 - one line a fault
    table = scores(1.0, 1.0)
    if what == "unknown model":
        table.loc[7, "model"] = "someone-else"
    if what == "NaN":
        table.loc[7, "value"] = np.nan
    if what == "a word":
        table = table.astype({"value": object})
        table.loc[7, "value"] = "good"
    if what == "twice":
        table = pd.concat([table, table.iloc[[7]]], ignore_index=True)
    if what == "one side":
        table = table[table["model"] == NEW]
    if what == "no such metric":
        table["metric"] = "typography.ned"
    if what == "half a seed":
        table = table.astype({"seed": float})
        table.loc[7, "seed"] = 1.5
    if what == "empty prompt":
        table.loc[7, "prompt_id"] = None
    if what == "in percent":
        table["value"] *= 100
    if what == "infinite":
        table.loc[7, "value"] = np.inf
    if what == "status":
        table = table.assign(status="fine")
    if what == "flow":
        table = table.assign(flow="dream")
    return table


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("unknown model", "row 8, column model: is 'someone-else'"),
        ("NaN", "row 8, column value: is empty or NaN though the status is ok"),
        ("a word", "row 8, column value: is 'good', which is no number"),
        ("twice", "row 481, column metric: is 'typography.exact' a second time"),
        ("one side", f"column metric: {EXACT} has no row of {BASE}"),
        ("no such metric", f"no row is of {EXACT}"),
        ("half a seed", "row 8, column seed: is 1.5"),
        ("empty prompt", "row 8, column prompt_id: is empty"),
        ("in percent", "column value: is 100.0, and typography.exact goes from 0.0 to 1.0"),
        ("infinite", "row 8, column value: is inf"),
        ("status", "row 1, column status: is 'fine' (480 rows in all)"),
        ("flow", "row 1, column flow: is 'dream'"),
    ],
)
def test_a_bad_table_is_told_with_row_and_column(what: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DecisionError) as error:
        decide_table(spoiled(what), read_contract(contract(tmp_path)))
    assert told in str(error.value)


@pytest.mark.parametrize("content", ["", "model;seed\na;1\n", "\x00\x01", "{"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "xlsx"])
def test_files_that_are_no_tables_are_one_line(
    content: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"scores.{form}"
    path.write_text(content, encoding="utf-8")
    rules = str(contract(tmp_path))
    assert main(["decide", "--scores", str(path), "--contract", rules]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_later_looks_are_stricter(tmp_path: Path) -> None:
    rules = read_contract(contract(tmp_path))
    first, second = (decide_table(scores(1.0, 1.0, 65), rules, look=n)[0] for n in (1, 2))
    assert first.verdict == "GO"
    assert second.verdict == "INCONCLUSIVE"
    assert "This is look 2 at this comparison, judged at level 0.13 %" in second.sentence
