"""`imgassets decide`: verdicts from a table of scores that anybody made."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.project import read_document

if TYPE_CHECKING:
    import pandas as pd

    from imgassets.decision import Verdict

_FORMS = {".csv": "CSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines", ".parquet": "Parquet"}


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What the command can be told."""
    decide = commands.add_parser(
        "decide",
        help="verdicts from a table of scores made by anyone",
        description="Judges a table by the same rule as `validate`. FILE is CSV, JSON lines or "
        "Parquet with the columns model, prompt_id, seed, metric, value, and optionally flow, "
        "replicate and status (ok, or a failure mode). The contract needs endpoint, incumbent, "
        "candidates and criteria; it may declare metrics of its own. Exit 0 when every verdict is "
        "GO, 1 when one is not, 2 on bad input.",
    )
    decide.add_argument("--scores", type=Path, required=True, metavar="FILE")
    decide.add_argument("--contract", type=Path, required=True, metavar="FILE")
    decide.add_argument(
        "--look",
        type=int,
        default=1,
        metavar="N",
        help="which look at this comparison it is; later ones are judged more strictly (default 1)",
    )
    decide.add_argument("--json", action="store_true", help="print verdicts as JSON")


def run(parsed: argparse.Namespace) -> int:
    """Judge, print, and tell by the exit code."""
    verdicts = decide_file(parsed.scores, parsed.contract, parsed.look)
    if parsed.json:
        print(json.dumps([v.to_dict() for v in verdicts], indent=2))  # noqa: T201
    else:
        from imgassets.report.table import verdict_table

        print(verdict_table(verdicts))  # noqa: T201
    return 0 if all(v.verdict == "GO" for v in verdicts) else 1


def decide_file(scores: Path, contract: Path, look: int = 1) -> list[Verdict]:
    """One verdict a candidate.

    Raises:
        InvalidDocumentsError: the contract cannot be used; names every problem.
        ValueError: the table cannot be used; names row, column and fix.
    """
    from imgassets.decision import DecisionError, decide_table

    if look < 1:
        raise ValueError(f"--look {look}: looks are numbered from 1")
    rules = read_contract(contract)
    if not rules.candidates:
        raise ValueError(f"{contract}: candidates is empty, so there is nobody to judge; name one")
    table = read_scores(scores)
    try:
        return decide_table(table, rules, look=look)
    except DecisionError as error:
        raise ValueError(f"{scores}: {error}") from error


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
    names = {"model": str, "prompt_id": str, "metric": str, "flow": str, "status": str}
    try:
        if form == "CSV":
            return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=["", "NaN"])
        if form == "JSON lines":
            with path.open(encoding="utf-8-sig") as lines:
                return pd.DataFrame([json.loads(line) for line in lines if line.strip()])
        return pd.read_parquet(path)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as {form}: {error}") from error
