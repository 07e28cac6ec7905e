"""A verdict from any table of scores: one row a score, whoever measured it.

    from imgassets.decision import decide_table
    verdicts = decide_table(frame, contract)

The rule is the one behind `imgassets validate`: same statistics, same sentences.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from imgassets.decision.comparison import compare
from imgassets.decision.errors import (
    DuplicateRowsError,
    MissingColumnsError,
    MissingIncumbentError,
    MissingKeysError,
    MixedRowsError,
    NonFiniteScoreError,
    TooLittleDataError,
    UnknownStatusError,
)
from imgassets.decision.paired_scores import Measured
from imgassets.decision.verdict import Verdict, decide
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.failures import FAILURE_MODES
from imgassets.documents.labels import Labels
from imgassets.documents.model_document import Pairing
from imgassets.documents.scale_ends import natural_ends
from imgassets.flows import FIRST

NEEDED = ("model", "prompt_id", "seed", "metric", "value")
_DEFAULTS: dict[str, Any] = {"flow": FIRST, "replicate": 0, "status": "ok"}
_IMAGE = ["model", "flow", "prompt_id", "seed", "replicate"]


def decide_table(
    scores: pd.DataFrame,
    contract: DecisionContract,
    *,
    look: int = 1,
    first_row: int = 1,
    labels: Labels | None = None,
) -> list[Verdict]:
    """One verdict for each candidate that the contract names.

    Arguments:
        scores: one row a score. Columns `model`, `prompt_id`, `seed` (whole numbers), `metric`,
            `value` (float, in the metric's unit), and optionally `flow` (generate), `replicate`
            (0), `status` (ok, or a failure mode; the value of a failed image is left empty) and
            `image_key` (a text that tells an image from all others; labels name it).
            Other columns, and metrics that no criterion names, are left alone.
        contract: `endpoint`, `incumbent`, `candidates` and `criteria` are all it needs.
        look: which look at this comparison it is (docs/decision.md); nothing counts it here.
        first_row: number of the first row in messages.
        labels: what people said of images, by (image key, metric).

    Raises:
        DecisionError: a table that is not what it should be; names row and column, and the fix.
    """
    table = _checked(scores, contract, first_row)
    stray = _stray(labels or {}, table)
    measured = {model: _measured(table, model, contract) for model in contract.models}
    rival = measured[contract.incumbent]
    verdicts = []
    for model in contract.candidates:
        pairing: Pairing = "noise" if _share_seeds(table, model, contract.incumbent) else "prompt"
        comparison = compare(
            contract, measured[model], rival, pairing=pairing, look=look, labels=labels
        )
        verdicts.append(decide(comparison, stray_labels=stray))
    return verdicts


def _stray(labels: Labels, table: pd.DataFrame) -> int:
    """How many labels are of images that the table does not hold."""
    if labels and "image_key" not in table.columns:
        raise MissingColumnsError(
            "labels name images by their key, and the table has no column image_key; add it"
        )
    if not labels:
        return 0
    _refuse(
        table, table["image_key"].isna(), "image_key", MissingKeysError, "is empty", "fill it in"
    )
    images = table.drop_duplicates([*_IMAGE, "image_key"])
    shared = table["image_key"].isin(images[images.duplicated("image_key")]["image_key"])
    _refuse(
        table, shared, "image_key", DuplicateRowsError, "{value!r} names several images",
        "give every image of every model its own",
    )  # fmt: skip
    known = set(table["image_key"].astype(str))
    return sum(key not in known for key, _ in labels)


def _checked(scores: pd.DataFrame, contract: DecisionContract, first_row: int) -> pd.DataFrame:
    missing = [c for c in NEEDED if c not in scores.columns]
    if missing:
        raise MissingColumnsError(
            f"got columns {', '.join(map(str, scores.columns))}; missing: {', '.join(missing)}; "
            f"name them so (optional: {', '.join(_DEFAULTS)})"
        )
    table = scores.reset_index(drop=True)
    for column, usual in _DEFAULTS.items():
        if column not in table.columns:
            table[column] = usual
    table = table.fillna({"status": "ok"})
    table = table.assign(row=np.arange(len(table)) + first_row)
    for column in ("model", "prompt_id", "seed", "metric", "flow", "replicate"):
        _refuse(table, table[column].isna(), column, MissingKeysError, "is empty", "fill it in")
    table = _numbered(table)
    _check_names(table, contract)
    metrics = {c.metric for c in contract.all_criteria}
    table = table[table["metric"].isin(metrics)].reset_index(drop=True)
    if table.empty:
        raise TooLittleDataError(
            f"column metric: no row is of {', '.join(sorted(metrics))}, which the criteria name"
        )
    _check_values(table, contract)
    _check_sides(table, contract)
    return table


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Seeds and replicates as whole numbers, values as floats, texts as texts."""
    found = {}
    for column in ("seed", "replicate", "value"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = numbers.isna() & table[column].notna()
        whole = column != "value"
        if whole:
            wrong |= numbers != np.floor(numbers)
        fix = "write a whole number" if whole else "write a number, or leave it empty for no score"
        _refuse(table, wrong, column, MissingKeysError, "is {value!r}, which is no number", fix)
        found[column] = numbers.astype("int64") if whole else numbers.astype("float64")
    texts = {c: table[c].astype(str) for c in ("model", "prompt_id", "metric", "flow", "status")}
    return table.assign(**found, **texts)


def _check_names(table: pd.DataFrame, contract: DecisionContract) -> None:
    known = ", ".join(contract.models)
    _refuse(
        table,
        ~table["model"].isin(contract.models),
        "model",
        MixedRowsError,
        f"is {{value!r}}, which the contract does not name ({known})",
        "add it to candidates, or drop its rows",
    )
    flows = ", ".join(contract.flows)
    _refuse(table, ~table["flow"].isin(contract.flows), "flow", MixedRowsError,
            "is {value!r}, which is no flow of the contract", f"one of: {flows}")  # fmt: skip
    _refuse(table, ~table["status"].isin(["ok", *FAILURE_MODES]), "status", UnknownStatusError,
            "is {value!r}", f"write ok, or one of: {', '.join(FAILURE_MODES)}")  # fmt: skip


def _check_values(table: pd.DataFrame, contract: DecisionContract) -> None:
    ok = table["status"] == "ok"
    _refuse(table, ok & table["value"].isna(), "value", NonFiniteScoreError,
            "is empty or NaN though the status is ok",
            "drop the row if it cannot be judged, or give the status that says why")  # fmt: skip
    _refuse(table, ~ok & table["value"].notna(), "value", NonFiniteScoreError,
            "is {value} though the image failed", "leave it empty")  # fmt: skip
    for criterion in contract.all_criteria:
        low, high = natural_ends(criterion)
        mine = table["metric"] == criterion.metric
        outside = (table["value"] < (-math.inf if low is None else low)) | (
            table["value"] > (math.inf if high is None else high)
        )
        outside |= np.isinf(table["value"])
        ends = f"{'minus infinity' if low is None else low} to {'any' if high is None else high}"
        _refuse(table, mine & outside, "value", NonFiniteScoreError,
                f"is {{value}}, and {criterion.metric} goes from {ends}",
                "mend the value, or the range in the contract")  # fmt: skip
    doubles = table.duplicated([*_IMAGE, "metric"])
    _refuse(table, doubles, "metric", DuplicateRowsError,
            "is {value!r} a second time for the same image",
            "drop the double, or number them in a column replicate")  # fmt: skip
    states = table.groupby(_IMAGE, sort=False)["status"].transform("nunique")
    _refuse(table, states > 1, "status", UnknownStatusError,
            "differs between rows of one image", "an image has one status")  # fmt: skip


def _check_sides(table: pd.DataFrame, contract: DecisionContract) -> None:
    for metric in dict.fromkeys(c.metric for c in contract.criteria):
        models = set(table.loc[table["metric"] == metric, "model"])
        without = [m for m in contract.models if m not in models]
        if models and without:
            raise MissingIncumbentError(
                f"column metric: {metric} has no row of {', '.join(without)}; measure it on the "
                "same prompts, or drop the model from the contract"
            )
        if not models:
            raise TooLittleDataError(
                f"column metric: no row is of {metric}, which a criterion names; measure it, or "
                "drop the criterion"
            )


def _refuse(
    table: pd.DataFrame,
    wrong: pd.Series,
    column: str,
    error: type[Exception],
    what: str,
    fix: str,
) -> None:
    """Raises with the first wrong row and how many there are."""
    if not wrong.any():
        return
    first = table[wrong].iloc[0]
    more = f" ({int(wrong.sum())} rows in all)" if wrong.sum() > 1 else ""
    value = first[column]
    said = what.format(value=value.item() if hasattr(value, "item") else value)
    raise error(f"row {int(first['row'])}, column {column}: {said}{more}; {fix}")


def _measured(table: pd.DataFrame, model: str, contract: DecisionContract) -> Measured:
    mine = table[table["model"] == model]
    key = mine["flow"] + "/" + mine["prompt_id"] + "/" + mine["seed"].astype(str)
    key += "/" + mine["replicate"].astype(str)
    if "image_key" in mine.columns:
        key = mine["image_key"].astype(str)
    rows = mine.assign(endpoint=contract.endpoint, image_key=key, reason="")
    images = rows.drop_duplicates(_IMAGE)[[*_IMAGE, "endpoint", "image_key", "status"]]
    return Measured(model, rows, images.assign(message=""))


def _share_seeds(table: pd.DataFrame, one: str, other: str) -> bool:
    """Whether any prompt was drawn with the same seed by both, so that pairs share their noise."""
    keys = [
        set(zip(side["prompt_id"], side["seed"], strict=True))
        for side in (table[table["model"] == one], table[table["model"] == other])
    ]
    return bool(keys[0] & keys[1])
