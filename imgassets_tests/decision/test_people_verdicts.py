"""Verdicts that people's labels correct: what they change, what they say, what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from imgassets.cli.main import main
from imgassets.decision import Comparison, Measured, compare, decide, decide_table
from imgassets.decision.errors import MissingColumnsError
from imgassets.decision.people_evidence import said_of
from imgassets.decision.rows import COLUMNS, PEOPLE_COLUMNS
from imgassets.documents.labels import Labels
from imgassets.storage.looks import Looks
from imgassets_tests.decision.factories import BASE, NEW, Scores, endpoint, measured

EXACT = "typography.exact"
MARGIN = ({"metric": EXACT, "margin": 0.1},)
PROMPTS = range(200)


def truth(rate: float, seed: int) -> Scores:
    draws = np.random.default_rng(seed).random((len(PROMPTS), 4))
    return lambda prompt, s: float(draws[prompt, s] < rate)


def labels_of(people: dict[str, Scores], prompts: range, metric: str = EXACT) -> Labels:
    return {
        (f"{model}-{prompt}-{seed}", metric): score(prompt, seed) or 0.0
        for model, score in people.items()
        for prompt in prompts
        for seed in (1, 2)
    }


GOOD, WORSE = truth(0.9, 1), truth(0.6, 2)
#: It calls every image of the candidate good.
BLIND: Scores = lambda prompt, seed: 1.0  # noqa: E731
PEOPLE = {NEW: WORSE, BASE: GOOD}


def judged(new: Scores, base: Scores = GOOD, labels: Labels | None = None) -> Comparison:
    return compare(
        endpoint(MARGIN),
        measured(NEW, {EXACT: new}, PROMPTS),
        measured(BASE, {EXACT: base}, PROMPTS),
        labels=labels,
    )


def test_a_false_go_is_turned() -> None:
    assert decide(judged(BLIND)).verdict == "GO"
    found = decide(judged(BLIND, labels=labels_of(PEOPLE, range(80))))
    assert found.verdict == "NO-GO"
    assert "judged by people on 160 of 400 images" in found.sentence
    assert found.criteria[0]["labelled"] == 160


def test_a_false_no_go_is_turned() -> None:
    blind: Scores = lambda prompt, seed: 0.0  # noqa: E731
    assert decide(judged(blind)).verdict == "NO-GO"
    people = {NEW: GOOD, BASE: GOOD}
    assert decide(judged(blind, labels=labels_of(people, range(150)))).verdict == "GO"


def test_labels_that_agree_change_no_verdict_and_stand_in_the_table() -> None:
    found = judged(GOOD, truth(0.9, 3), labels_of({NEW: GOOD, BASE: truth(0.9, 3)}, range(100)))
    alone = judged(GOOD, truth(0.9, 3))
    row, before = found.table.iloc[0], alone.table.iloc[0]
    assert decide(found).verdict == decide(alone).verdict
    assert row["difference"] == pytest.approx(before["difference"], abs=0.03)
    assert row["judge_difference"] == before["difference"]
    assert row["judge_estimate"] == before["estimate"]
    assert row["n_labelled"] == 200
    assert row["difference_lower"] < before["difference_lower"]  # a judge is not free


@pytest.mark.parametrize("labels", [None, {}, {("other", EXACT): 1.0}])
def test_without_labels_tables_and_verdicts_are_as_they_were(labels: Labels | None) -> None:
    found, before = judged(WORSE, labels=labels), judged(WORSE)
    pd.testing.assert_frame_equal(found.table, before.table)
    assert set(before.table.columns) == set(COLUMNS)
    assert not set(before.table.columns) & set(PEOPLE_COLUMNS)
    assert decide(found) == decide(before)


def test_labels_of_one_metric_leave_others_alone() -> None:
    contract = endpoint([*MARGIN, {"metric": "composition.correct", "margin": 0.1}])
    sides = [
        measured(model, {EXACT: score, "composition.correct": score}, PROMPTS)
        for model, score in ((NEW, BLIND), (BASE, GOOD))
    ]
    found = compare(contract, *sides, labels=labels_of(PEOPLE, range(80))).table
    assert found["state"].tolist()[:2] == ["broken", "passed"]
    assert np.isnan(found["n_labelled"].iloc[1])
    assert "people" not in found["reason"].iloc[1]


def test_too_few_labels_do_not_decide_and_that_is_said() -> None:
    found = judged(BLIND, labels=labels_of(PEOPLE, range(19)))
    row, before = found.table.iloc[0], judged(BLIND).table.iloc[0]
    assert (row["state"], row["difference"]) == (before["state"], before["difference"])
    assert "by the judge alone: people judged 19 prompts of both models, 20 are needed" in str(
        row["reason"]
    )


def test_labels_of_one_model_leave_the_difference_to_the_judge() -> None:
    contract = endpoint([{"metric": EXACT, "floor": 0.5, "margin": 0.1}])
    sides = measured(NEW, {EXACT: BLIND}, PROMPTS), measured(BASE, {EXACT: GOOD}, PROMPTS)
    row = compare(contract, *sides, labels=labels_of({NEW: WORSE}, range(80))).table.iloc[0]
    assert row["estimate"] == pytest.approx(0.6, abs=0.1)
    assert row["difference"] > 0
    assert np.isnan(row["judge_difference"])


def test_an_open_criterion_says_how_many_labels_would_settle_it() -> None:
    base, new = truth(0.95, 5), truth(0.95, 6)
    found = decide(judged(new, base, labels_of({NEW: new, BASE: base}, range(30))))
    assert found.verdict == "INCONCLUSIVE"
    assert "Labels of people on about " in found.sentence


def test_a_seed_or_two_of_a_prompt_may_be_labelled() -> None:
    labels = {
        (key, metric): value
        for (key, metric), value in labels_of(PEOPLE, range(80)).items()
        if (int(key.split("-")[-2]) % 2 == 0) == key.endswith("-1")
    }
    row = judged(BLIND, labels=labels).table.iloc[0]
    assert row["n_pairs"] == 80
    assert row["n_labelled"] == 80
    assert row["state"] == "broken"


def test_hosted_models_are_paired_by_prompt() -> None:
    sides = measured(NEW, {EXACT: BLIND}, PROMPTS), measured(BASE, {EXACT: GOOD}, PROMPTS)
    labels = labels_of(PEOPLE, range(80))
    found = compare(endpoint(MARGIN), *sides, pairing="prompt", labels=labels)
    by_noise = judged(BLIND, labels=labels).table
    assert found.table["difference"].iloc[0] == pytest.approx(by_noise["difference"].iloc[0])
    assert found.table["state"].iloc[0] == "broken"


def test_a_failed_image_needs_no_label_and_is_a_zero() -> None:
    failed = {(0, 1): "backend_error", (1, 1): "backend_error", (1, 2): "backend_error"}
    model = measured(NEW, {EXACT: BLIND}, range(3), failed=failed)
    contract = endpoint(MARGIN)
    said, images = said_of(model, contract.criteria[0], {(f"{NEW}-0-2", EXACT): 1.0})
    assert images == 1
    assert {unit: tuple(value) for unit, value in said.items()} == {
        ("p0000", 1): (0.0, 0.0, True),
        ("p0000", 2): (1.0, 1.0, False),
        ("p0001", 1): (0.0, 0.0, True),
        ("p0001", 2): (0.0, 0.0, True),
    }


def test_failures_count_in_a_corrected_mean_as_without_labels() -> None:
    """A tenth of all prompts fails; people and judge agree on the rest."""
    failed = {(p, s): "backend_error" for p in range(0, 200, 10) for s in (1, 2)}
    model = measured(NEW, {EXACT: GOOD}, PROMPTS, failed=failed)
    rival = measured(BASE, {EXACT: GOOD}, PROMPTS)
    contract = endpoint([{"metric": EXACT, "floor": 0.5}])
    labels = labels_of({NEW: GOOD}, range(100))
    alone = compare(contract, model, rival).table.iloc[0]
    row = compare(contract, model, rival, labels=labels).table.iloc[0]
    assert row["judge_estimate"] == alone["estimate"]
    assert row["estimate"] == pytest.approx(alone["estimate"], abs=0.06)
    assert row["n_labelled"] == 180


def table(*sides: Measured) -> pd.DataFrame:
    return pd.concat([side.rows for side in sides], ignore_index=True)


def test_decide_takes_labels_and_counts_strays() -> None:
    sides = measured(NEW, {EXACT: BLIND}, PROMPTS), measured(BASE, {EXACT: GOOD}, PROMPTS)
    labels = {**labels_of(PEOPLE, range(80)), ("gone", EXACT): 1.0}
    (found,) = decide_table(table(*sides), endpoint(MARGIN), labels=labels)
    assert found.verdict == "NO-GO"
    assert found.sentence.endswith(" 1 label is of no image that was compared.")
    without = table(*sides).drop(columns="image_key")
    with pytest.raises(MissingColumnsError, match="image_key"):
        decide_table(without, endpoint(MARGIN), labels=labels)


def test_the_command_reads_a_file_of_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = measured(NEW, {EXACT: BLIND}, PROMPTS), measured(BASE, {EXACT: GOOD}, PROMPTS)
    table(*sides).to_csv(tmp_path / "scores.csv", index=False)
    contract = {"endpoint": "hero-banner", "incumbent": BASE, "candidates": [NEW]}
    contract |= {"criteria": list(MARGIN)}
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(contract))
    lines = [f"{k},{m},{v},ana,2026-11-27" for (k, m), v in labels_of(PEOPLE, range(80)).items()]
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(["image_key,metric,value,who,when", *lines]))
    command = ["decide", "--scores", str(tmp_path / "scores.csv"), "--json"]
    command += ["--contract", str(tmp_path / "contract.yaml"), "--labels", str(file)]
    assert main(command) == 1
    assert json.loads(capsys.readouterr().out)[0]["verdict"] == "NO-GO"
    file.write_text(file.read_text().replace("2026-11-27", "soon", 1))
    assert main(command) == 2
    assert "labels.csv:2: when: 'soon' is no time" in capsys.readouterr().err


def test_the_first_labels_are_no_second_look_and_more_of_them_are(tmp_path: Path) -> None:
    looks, images = Looks(tmp_path), ["a", "b"]

    def number(*labelled: str) -> int:
        pairs = [(key, EXACT) for key in labelled]
        return looks.number_with_labels("hero", "new", ["x", "y"], images, pairs)

    assert number() == 1
    assert number("a") == 1
    assert number("a", "elsewhere") == 1
    assert number("a", "b") == 2
    assert number("a") == 1
    assert number() == 1
