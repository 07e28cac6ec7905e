"""Verdicts from a file of scores that anybody made, and a contract: `imgassets decide`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.labels import Labels, read_labels
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.documents.project import read_document
from imgassets.metrics.families import METRICS

if TYPE_CHECKING:
    import pandas as pd

    from imgassets.decision import Verdict

_FORMS = {".csv": "CSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines", ".parquet": "Parquet"}


def decide_file(
    scores: Path, contract: Path, look: int = 1, labels: Path | None = None
) -> list[Verdict]:
    """One verdict a candidate.

    Raises:
        InvalidDocumentsError: the contract or the labels cannot be used; names every problem.
        ValueError: the table cannot be used; names row, column and fix.
    """
    from imgassets.decision import DecisionError, decide_table

    if look < 1:
        raise ValueError(f"--look {look}: looks are numbered from 1")
    rules = read_contract(contract)
    if not rules.candidates:
        raise ValueError(f"{contract}: candidates is empty, so there is nobody to judge; name one")
    table = read_scores(scores)
    said = None if labels is None else _read_labels(labels, rules)
    try:
        return decide_table(table, rules, look=look, labels=said)
    except DecisionError as error:
        raise ValueError(f"{scores}: {error}") from error


def _read_labels(path: Path, contract: DecisionContract) -> Labels:
    own = {name: metric.metric(name) for name, metric in contract.metrics.items()}
    found = read_labels(path, {**METRICS, **own}, any_key=True)
    if found.problems:
        raise InvalidDocumentsError(found.problems)
    return found.means


def read_contract(path: Path) -> DecisionContract:
    """A contract, of which only what a decision needs is read.

    Raises:
        InvalidDocumentsError: it cannot be used; names every problem.
    """
    # What only the making of images needs is left out.
    others = set(Endpoint.model_fields) - set(DecisionContract.model_fields)
    return read_document(path, DecisionContract, without=others)


def read_scores(path: Path) -> pd.DataFrame:
    """The table as it stands; texts that look like numbers stay texts where names are expected.

    Raises:
        ValueError: no such file, another form, or a file that cannot be parsed.
    """
    import pandas as pd

    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise ValueError(f"{path}: a table is CSV, JSON lines or Parquet ({', '.join(_FORMS)})")
    if not path.is_file():
        raise ValueError(f"{path}: no such file; check the path")
    names = dict.fromkeys(("model", "prompt_id", "metric", "flow", "status", "image_key"), str)
    try:
        if form == "CSV":
            return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=["", "NaN"])
        if form == "JSON lines":
            with path.open(encoding="utf-8-sig") as lines:
                return pd.DataFrame([json.loads(line) for line in lines if line.strip()])
        return pd.read_parquet(path)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as {form}: {error}") from error
