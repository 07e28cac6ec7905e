"""From image tables to metric tables: one tidy row for each metric of each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from imgassets.documents.seeds import column_type
from imgassets.engines.crew import EngineError
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.family import Family
from imgassets.metrics.score_processes import ALL_CORES, Others, Outcome, Task
from imgassets.metrics.scores import IDENTITY, ROW_COLUMNS, Score
from imgassets.metrics.scoring import (
    LOOK_UP,
    Here,
    Kept,
    Progress,
    asked_of,
    chunks,
    is_learned,
    make_scores,
    tasks_of,
)
from imgassets.storage.image_store import ImageStore, StoreError
from imgassets.storage.score_store import KeptScores

#: Every image of a branch with what became of it in a family.
Outcomes = Callable[[Family, Branch], Iterator[tuple[Any, Outcome]]]


class OldTableError(ValueError):
    """A table kept from an earlier version; says how to make it anew."""


def measure(
    families: Sequence[str],
    branch: Branch,
    kept: Kept | None = None,
    progress: Progress = lambda *_: None,
    others: Others = ALL_CORES,
) -> dict[str, pd.DataFrame]:
    """The metric tables of some families, by name.

    A failed image has rows without a value. What an expectation does not ask has no row, where a
    family scores by expectation; nor have images of flows that the family does not look at.

    Args:
        families: names of families.
        branch: its images are those of all flows the families look at.
        kept: scores made before; those made now are put there. None keeps nothing.
        progress: told how many images are scored, of those that had to be.
        others: processes that score images, where there are many.

    Raises:
        KeyError, FileNotFoundError, CorruptEntryError: an image is not in the store any more, or is
            not what was stored.
        JudgeError, ReaderUnavailableError: a judge cannot be loaded.
        StoreError: scores cannot be kept.
    """
    kept = Here() if kept is None else kept
    scored = [name for name in families if not FAMILIES[name].of_making]
    if scored and isinstance(branch.stored, ImageStore):  # scores may depend on the sources' files
        branch.stored.fetch_records(branch.images["source_key"].dropna().unique())
    tasks = list(tasks_of(scored, branch, branch.images.itertuples()))
    passing = make_scores(tasks, branch, kept, progress, others)
    made = partial(_kept, tasks=tasks, kept=kept, passing=passing)
    return {name: _table(FAMILIES[name], branch, made) for name in families}


def measure_all(
    families: Sequence[str],
    branch: Branch,
    kept: Kept,
    progress: Progress,
    others: Others = ALL_CORES,
) -> Iterator[tuple[str, pd.DataFrame | Exception]]:
    """As `measure`, family by family, with what went wrong in place of a table that cannot be made.

    A judge that cannot be loaded must not cost the other families theirs.
    """
    learned = [name for name in families if is_learned(branch, name)]
    together = [name for name in families if name not in learned]
    try:
        yield from measure(together, branch, kept, progress, others).items()
    except EngineError:
        raise  # no family's fault: the others would wait for workers as long
    except Exception:
        learned = [*together, *learned]
    for name in learned:
        try:
            yield name, measure([name], branch, kept, progress, others)[name]
        except Exception as error:
            yield name, error


def _table(family: Family, branch: Branch, made: Outcomes) -> pd.DataFrame:
    rows = list(_rows(family, branch, _making if family.of_making else made))
    table = pd.DataFrame(rows, columns=list(ROW_COLUMNS))
    seeds = column_type(table["seed"])
    return table.astype({"value": "float64", "seed": seeds, "replicate": "int64"})


def with_artefacts(images: pd.DataFrame, artefacts: pd.DataFrame) -> pd.DataFrame:
    """Image tables whose `status` also tells of images that exist but are not usable.

    Raises:
        OldTableError: the artefacts were kept from a version that noted no failure modes.
    """
    unclean = (artefacts["metric"] == "artefacts.clean") & (artefacts["value"] == 0.0)
    found = artefacts[unclean].drop_duplicates(["flow", "image_key"])
    if found.empty:
        return images
    if "failure_mode" not in found.columns or found["failure_mode"].isna().any():
        raise OldTableError(
            "the table of artefacts is of an earlier version, without failure modes; run "
            "`imgassets validate`, or materialize `artefacts` first"
        )
    found = found.set_index(["flow", "image_key"])
    keys = pd.MultiIndex.from_frame(images[["flow", "image_key"]])
    spoiled = keys.isin(found.index) & (images["status"] == "ok").to_numpy()
    modes = found["failure_mode"].reindex(keys[spoiled])
    reasons = found["reason"].reindex(keys[spoiled])
    marked = images.copy()
    marked.loc[spoiled, "status"] = modes.to_numpy()
    marked.loc[spoiled, "message"] = [
        reason.removeprefix(f"{mode}: ") for mode, reason in zip(modes, reasons, strict=True)
    ]
    return marked


def _rows(family: Family, branch: Branch, outcomes: Outcomes) -> Iterator[dict[str, Any]]:
    found = list(outcomes(family, branch))
    of_set: dict[str, list[Score]] = {}
    if family.across is not None:
        of_set = family.across(branch, [(image, outcome.scores) for image, outcome in found])
    for image, outcome in found:
        metrics = asked_of(family, branch, image)
        if not metrics:
            continue
        if image.status != "ok":
            reason = f"{image.status}: {image.message}"
            yield from _failed_rows(image, metrics, reason, image.status)
        elif outcome.problem:
            yield from _failed_rows(image, metrics, outcome.problem)
        else:
            scores = (*outcome.scores, *of_set.get(image.image_key, ()))
            yield from (_row(image, score) for score in scores if score.metric in metrics)


def _making(family: Family, branch: Branch) -> Iterator[tuple[Any, Outcome]]:
    """What was measured while images were made; nothing has to be looked at."""
    score = family.scorer(branch)
    for image in branch.images.itertuples():
        yield image, Outcome(tuple(score(image)) if image.status == "ok" else ())


def _kept(
    family: Family,
    branch: Branch,  # noqa: ARG001 - one signature with `_making`
    *,
    tasks: Sequence[Task],
    kept: Kept,
    passing: Mapping[str, Outcome],
) -> Iterator[tuple[Any, Outcome]]:
    """Every image with its scores; they were made before, or just now."""
    for part in chunks(tasks, LOOK_UP):
        keys = [task.keys.get(family.name, "") for task in part]
        found = kept.read([key for key in keys if key])
        for task, key in zip(part, keys, strict=True):
            yield task.image, _outcome(key, passing, found) if key else Outcome()


def _outcome(key: str, passing: Mapping[str, Outcome], found: Mapping[str, KeptScores]) -> Outcome:
    if key in passing:
        return passing[key]
    if key not in found:
        raise StoreError(
            f"score {key[:12]} was made and is not in the store of scores any more; run again"
        )
    return Outcome(tuple(Score(*one) for one in found[key].found), found[key].problem)


def _row(image: Any, score: Score) -> dict[str, Any]:
    return {name: getattr(image, name) for name in IDENTITY} | {
        "metric": score.metric,
        "value": float(score.value),
        "reason": score.reason,
        "failure_mode": score.failure_mode,
    }


def _failed_rows(
    image: Any, metrics: Sequence[str], reason: str, failure_mode: str = ""
) -> list[dict[str, Any]]:
    row = {name: getattr(image, name) for name in IDENTITY}
    row |= {"value": None, "reason": reason, "failure_mode": failure_mode}
    return [row | {"metric": metric} for metric in metrics]
