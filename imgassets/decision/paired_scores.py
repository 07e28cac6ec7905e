"""Tidy rows in, one number a prompt out: selecting, checking, averaging, pairing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from imgassets.decision.errors import (
    DuplicateRowsError,
    MissingColumnsError,
    MissingKeysError,
    MixedRowsError,
    NonFiniteScoreError,
    UnknownStatusError,
)
from imgassets.documents.failures import FAILURE_MODES, NOT_THE_MODELS
from imgassets.documents.model_document import Pairing
from imgassets.metrics.scores import ROW_COLUMNS

IMAGE_COLUMNS = ("flow", "prompt_id", "seed", "replicate", "image_key", "status")
_SCORE_COLUMNS = tuple(c for c in ROW_COLUMNS if c not in ("reason", "failure_mode"))
#: How the reason of an image begins that no judge could judge (`metrics.score_processes`).
CANNOT_BE_JUDGED = "cannot be judged"
#: One number a (prompt_id, seed), in this order.
PerSeed = dict[tuple[str, int], float]
_ONE_SCORE = ["flow", "prompt_id", "seed", "replicate", "metric"]


class OneScore(NamedTuple):
    """One image's score; NaN where it has none.

    `failed` where that is the model's failure, `unjudged` where the image is there and no judge
    could judge it.
    """

    prompt_id: str
    seed: int
    value: float
    failed: bool = False
    image_key: str = ""
    unjudged: bool = False


@dataclass(frozen=True)
class Measured:
    """All that was measured on one model at one endpoint.

    Attributes:
        model: its name.
        rows: metric table with `ROW_COLUMNS`; `value` is NaN where the image failed.
        images: one row an image asked for, with at least `IMAGE_COLUMNS`; `status` is `ok` or a
            failure mode, `message` (if there) says more.

    Raises:
        DecisionError: on construction, if the tables are not what they should be.
    """

    model: str
    rows: pd.DataFrame
    images: pd.DataFrame

    def __post_init__(self) -> None:
        _need_columns(self.rows, _SCORE_COLUMNS, f"metric rows of {self.model}")
        _need_columns(self.images, IMAGE_COLUMNS, f"images of {self.model}")
        for table, what in ((self.rows, "metric rows"), (self.images, "images")):
            if "model" in table.columns and not (table["model"] == self.model).all():
                found = ", ".join(sorted({str(m) for m in table["model"]}))
                raise MixedRowsError(f"{what}: got {found}, expected only {self.model}; filter it")
            if table[["prompt_id", "seed"]].isna().any(axis=None):
                raise MissingKeysError(
                    f"{what} of {self.model}: a row has no prompt_id or no seed; "
                    "number the seeds where a model takes none"
                )
        _check_scores(self.rows, self.model)
        _check_statuses(self.images, self.model)

    def scores(self, metric: str, flow: str) -> pd.DataFrame:
        """Rows of one metric on one flow: prompt_id, seed, replicate, value (NaN: failed)."""
        columns = ["prompt_id", "seed", "replicate", "value"]
        rows = self.rows
        found = rows.loc[(rows["metric"] == metric) & (rows["flow"] == flow), columns]
        found = found.assign(value=pd.to_numeric(found["value"]).astype(float))
        return found.sort_values(["prompt_id", "seed", "replicate"], ignore_index=True)

    def listed(self, metric: str, flow: str) -> list[OneScore]:
        """The same as plain tuples, in no order: a contract has dozens of criteria to ask for."""
        return self._listed.get((metric, flow), [])

    def per_seed(self, metric: str, flow: str) -> PerSeed:
        """Mean over replicates of one metric on one flow; failed images are left out."""
        if (metric, flow) not in self._means:
            self._means[metric, flow] = seed_means(self.listed(metric, flow))
        return self._means[metric, flow]

    def per_seed_of_all(self, metric: str, flow: str) -> PerSeed:
        """The same with a 0 for every image that the model failed to make (intention to treat).

        What has no score for another reason (it cannot be judged, the source is missing, the model
        was never asked) is left out here as well. Source: ICH E9, section 5.2.1.
        """
        listed = self.listed(metric, flow)
        if not any(score.failed for score in listed):
            return self.per_seed(metric, flow)
        return seed_means(s._replace(value=0.0) if s.failed else s for s in listed)

    def each(self, metric: str, flow: str) -> np.ndarray:
        """Every score of one metric on one flow, float (n,), in the table's order."""
        values = np.array([s.value for s in self.listed(metric, flow)], np.float64)
        return values[~np.isnan(values)]

    @cached_property
    def _means(self) -> dict[tuple[str, str], PerSeed]:
        return {}

    @cached_property
    def _listed(self) -> dict[tuple[str, str], list[OneScore]]:
        found: dict[tuple[str, str], list[OneScore]] = {}
        failed, there = self._failed, self._there
        rows = self.rows.assign(value=pd.to_numeric(self.rows["value"]).astype(float))
        rows = rows.assign(reason=rows["reason"] if "reason" in rows.columns else "")
        names = ("metric", "flow", "prompt_id", "seed", "value", "replicate", "image_key", "reason")
        for metric, flow, prompt, seed, value, again, key, why in zip(
            *(rows[name].tolist() for name in names), strict=True
        ):
            request = (flow, prompt, seed, again)
            lost = math.isnan(value) and request in failed
            judgeless = math.isnan(value) and str(why).startswith(CANNOT_BE_JUDGED)
            unjudged = judgeless and request in there
            found.setdefault((metric, flow), []).append(
                OneScore(prompt, seed, value, lost, key, unjudged)
            )
        return found

    @cached_property
    def _there(self) -> set[tuple[str, str, int, int]]:
        """Requests whose image is there."""
        names = ["flow", "prompt_id", "seed", "replicate"]
        ok = self.images.loc[self.images["status"] == "ok", names]
        return set(ok.itertuples(index=False, name=None))

    @cached_property
    def _failed(self) -> set[tuple[str, str, int, int]]:
        """Requests that failed by the model's own fault."""
        lost = ~self.images["status"].isin({"ok", *NOT_THE_MODELS})
        names = ["flow", "prompt_id", "seed", "replicate"]
        return set(self.images.loc[lost, names].itertuples(index=False, name=None))


def seed_means(scores: Iterable[OneScore]) -> PerSeed:
    """Mean over replicates, ordered by prompt and seed; failed images are left out."""
    found: dict[tuple[str, int], list[float]] = {}
    for score in scores:
        if not math.isnan(score.value):
            found.setdefault((score.prompt_id, score.seed), []).append(score.value)
    return {key: sum(values) / len(values) for key, values in sorted(found.items())}


def prompt_means(per_seed: PerSeed) -> np.ndarray:
    """Mean over seeds, one float a prompt, ordered by prompt_id; shape (P,)."""
    return np.array([sum(values) / len(values) for values in _by_prompt(per_seed)], np.float64)


def paired_differences(
    candidate: PerSeed, incumbent: PerSeed, pairing: Pairing = "noise"
) -> PerSeed:
    """candidate - incumbent, by (prompt_id, seed).

    Paired by noise: on the (prompt_id, seed) both have. Paired by prompt (hosted models, whose
    seeds are not our noise): means over each one's own seeds, on the prompts both have; seed is -1.
    """
    if pairing == "prompt":
        candidate, incumbent = _over_seeds(candidate), _over_seeds(incumbent)
    return {key: value - incumbent[key] for key, value in candidate.items() if key in incumbent}


def _over_seeds(per_seed: PerSeed) -> PerSeed:
    prompts = sorted({prompt for prompt, _ in per_seed})
    means = prompt_means(per_seed).tolist()
    return {(prompt, -1): mean for prompt, mean in zip(prompts, means, strict=True)}


def variance_parts(differences: PerSeed) -> tuple[float, float]:
    """Variance (between prompts, within a prompt over seeds) of differences, both >= 0.

    Method of moments: within is the pooled variance over seeds; between is what is left of the
    variance of prompt means. NaN for within where no prompt has two seeds.
    """
    groups = _by_prompt(differences)
    total = float(prompt_means(differences).var(ddof=1))
    repeated = [np.array(values) for values in groups if len(values) > 1]
    if not repeated:
        return total, float("nan")
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in repeated)
    within = squares / sum(len(values) - 1 for values in repeated)
    return max(0.0, total - within * float(np.mean([1 / len(v) for v in groups]))), within


def _by_prompt(per_seed: PerSeed) -> list[list[float]]:
    groups: dict[str, list[float]] = {}
    for (prompt, _), value in per_seed.items():
        groups.setdefault(prompt, []).append(value)
    return list(groups.values())


def _need_columns(table: pd.DataFrame, needed: tuple[str, ...], what: str) -> None:
    missing = [c for c in needed if c not in table.columns]
    if missing:
        raise MissingColumnsError(
            f"{what}: got columns {list(table.columns)}, missing {missing}; "
            "write the table with the columns its asset documents"
        )


def _check_scores(rows: pd.DataFrame, model: str) -> None:
    doubles = rows.duplicated(_ONE_SCORE)
    if doubles.any():
        first = rows.loc[doubles, _ONE_SCORE].iloc[0].to_dict()
        raise DuplicateRowsError(
            f"metric rows of {model}: {int(doubles.sum())} scores are listed twice, first {first}; "
            "drop the doubles"
        )
    infinite = np.isinf(pd.to_numeric(rows["value"]).to_numpy(dtype=np.float64, na_value=np.nan))
    if infinite.any():
        first = rows.loc[infinite, _ONE_SCORE].iloc[0].to_dict()
        raise NonFiniteScoreError(
            f"metric rows of {model}: an infinite value at {first}; "
            "cap the metric, or leave NaN where the image failed"
        )


def _check_statuses(images: pd.DataFrame, model: str) -> None:
    unknown = sorted({str(s) for s in images["status"]} - {"ok", *FAILURE_MODES})
    if unknown:
        raise UnknownStatusError(
            f"images of {model}: got status {', '.join(unknown)}, expected ok or one of "
            f"{', '.join(FAILURE_MODES)}"
        )
    doubles = images.duplicated(["flow", "prompt_id", "seed", "replicate"])
    if doubles.any():
        raise DuplicateRowsError(
            f"images of {model}: {int(doubles.sum())} requests are listed twice; drop the doubles"
        )
