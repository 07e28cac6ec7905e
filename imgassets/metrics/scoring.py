"""Scoring images: each score is made once, on all cores or a cluster's, and kept.

A score depends on the image, the family's version, the judge, and what the documents say that the
family reads for this image; the hash of these is the **score key**. What the store has under a key
is taken; the rest is made. Families of one image are scored together, so that it is decoded once.

Light families run in processes, since Python's lock leaves threads little gain, here or on a
cluster (`engines.scoring`); few images are scored in this process, where none has to be started.
Families of learned judges run here, in batches: their models are large, and use all cores or the
GPU by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

from imgassets.documents.base import fingerprint
from imgassets.documents.image_key import installed_version
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.family import Family
from imgassets.metrics.score_processes import (
    ALL_CORES,
    Made,
    Others,
    Outcome,
    Task,
    scored_quickly,
    scored_together,
)
from imgassets.storage.image_store import ImageStore
from imgassets.storage.score_store import KeptScores

#: Called with how many images are done and how many there are, at the start with none done.
Progress = Callable[[int, int], None]
_PUT_SECONDS = 2.0
LOOK_UP = 1000  # images whose scores are looked up at once
T = TypeVar("T")


class Kept(Protocol):
    """Where scores are kept: the project's store, or a dictionary (`Here`)."""

    def read(self, keys: Sequence[str]) -> dict[str, KeptScores]:
        """Those of some keys that are there."""

    def put(self, scores: Sequence[KeptScores], timings: Mapping[str, Sequence[float]]) -> None:
        """Keep scores."""


@dataclass
class Here:
    """Scores in memory: of images that are not what their keys say, as in the self-test."""

    rows: dict[str, KeptScores] = field(default_factory=dict)

    def read(self, keys: Sequence[str]) -> dict[str, KeptScores]:
        """See `Kept`."""
        return {key: self.rows[key] for key in keys if key in self.rows}

    def put(self, scores: Sequence[KeptScores], timings: Mapping[str, Sequence[float]]) -> None:  # noqa: ARG002
        """See `Kept`."""
        self.rows |= {kept.key: kept for kept in scores}


def score_key(family: Family, branch: Branch, image: Any, judge_version: str) -> str:
    """What a score of an image depends on, hashed: 64 hex digits.

    Args:
        family: of the score.
        branch: says what the documents ask of the image.
        image: its row; `image_key`, `flow` and `prompt_id` are looked at.
        judge_version: `Branch.judge_version` of the family, taken once for all images.
    """
    asked = family.asked(branch, image) if family.asked else None
    software = [f"{name} {installed_version(name)}" for name in family.libraries]
    return fingerprint(
        [image.image_key, family.name, family.version, software, judge_version, asked]
    )


def asked_of(family: Family, branch: Branch, image: Any) -> list[str]:
    """Names of the metrics that an image must have a row of."""
    document = branch.judges.get(family.name)
    metrics = family.measured_on(image.flow, document.kind if document else "")
    if not family.by_expectation:
        return metrics
    wanted = branch.expectations.get((image.flow, image.prompt_id))
    return [] if wanted is None else [m for m in metrics if wanted.asks(m)]


def tasks_of(families: Sequence[str], branch: Branch, images: Iterable[Any]) -> Iterator[Task]:
    """What there is to score, a task an image; of an image that is not there, nothing."""
    described = [(FAMILIES[name], branch.judge_version(name)) for name in families]
    for image in images:
        yield Task(
            SimpleNamespace(**image._asdict()),  # a row of pandas cannot go to a process
            {
                family.name: score_key(family, branch, image, judge)
                for family, judge in described
                if image.status == "ok" and asked_of(family, branch, image)
            },
        )


def make_scores(
    tasks: Sequence[Task],
    branch: Branch,
    kept: Kept,
    progress: Progress,
    others: Others = ALL_CORES,
) -> dict[str, Outcome]:
    """Make the scores that `kept` lacks, and put them there.

    Args:
        tasks: of all images.
        branch: what the documents say of them.
        kept: scores made before; those made now are put there.
        progress: told how many images are scored, of those that had to be.
        others: processes that score images of light families, where there are many.

    Returns:
        By score key what came out and must not be kept: it may come out otherwise the next time.

    Raises:
        KeyError, FileNotFoundError: an image is not in the store any more.
        JudgeError: a judge cannot be loaded.
    """
    missing = list(_missing(tasks, kept))
    learned = {name for name in FAMILIES if is_learned(branch, name)}
    light = _only(missing, lambda name: name not in learned)
    heavy = _only(missing, lambda name: name in learned)
    made = chain(scored_quickly(light, branch, others), _in_batches(heavy, branch))
    passing: dict[str, Outcome] = {}
    if light or heavy:
        progress(0, len(light) + len(heavy))
    for done, total, part in _parts(made, len(light) + len(heavy)):
        _put(part, branch, kept)
        for task, outcomes in part:
            passing |= {task.keys[n]: o for n, o in outcomes.items() if not o.lasts}
        progress(done, total)
    return passing


def _missing(tasks: Iterable[Task], kept: Kept) -> Iterator[Task]:
    """What is to be made of some tasks; what several ask for is made once."""
    seen = set[str]()
    for part in chunks(tasks, LOOK_UP):
        known = kept.read([key for task in part for key in task.keys.values()])
        for task in part:
            keys = {
                name: key
                for name, key in task.keys.items()
                if key not in seen and not _is_of(known.get(key), task.image)
            }
            seen.update(keys.values())
            if keys:
                yield Task(task.image, keys)


def _is_of(kept: KeptScores | None, image: Any) -> bool:
    """Whether kept scores are those of an image as it is: one made anew may be another."""
    return kept is not None and kept.image_sha256 == sha256_of(image)


def sha256_of(image: Any) -> str:
    """The hash of an image's file, as its row has it."""
    return getattr(image, "image_sha256", None) or ""


def is_learned(branch: Branch, family: str) -> bool:
    """Whether a network that runs in batches judges a family."""
    document = branch.judges.get(family)
    return document is not None and document.learned


def _only(tasks: Iterable[Task], wanted: Callable[[str], bool]) -> list[Task]:
    kept = (Task(t.image, {n: k for n, k in t.keys.items() if wanted(n)}) for t in tasks)
    return [task for task in kept if task.keys]


def _put(made: Sequence[tuple[Task, Mapping[str, Outcome]]], branch: Branch, kept: Kept) -> None:
    rows, timings = [], dict[str, list[float]]()
    for task, outcomes in made:
        for name, outcome in outcomes.items():
            timings.setdefault(f"{branch.endpoint}/{name}", []).append(outcome.seconds)
            found = tuple((s.metric, s.value, s.reason, s.failure_mode) for s in outcome.scores)
            key, image = task.keys[name], task.image
            row = KeptScores(key, image.image_key, sha256_of(image), found, outcome.problem)
            rows += [row] if outcome.lasts else []
    kept.put(rows, {what: _without_loading(took) for what, took in timings.items()})


def _without_loading(took: Sequence[float]) -> Sequence[float]:
    """Seconds of images but the slowest, which had to wait for what its family loads once."""
    return sorted(took)[:-1] if len(took) > 1 else took


def _in_batches(tasks: Sequence[Task], branch: Branch) -> Iterator[Made]:
    """Families of learned judges, one after the other: each loads a large model."""
    for name in dict.fromkeys(name for task in tasks for name in task.keys):
        of_family = _only(tasks, lambda other, name=name: other == name)  # type: ignore[misc]
        scorer = FAMILIES[name].scorer(branch)
        size = getattr(branch.judges.get(name), "batch_size", 1)
        for batch in chunks(of_family, size):
            if isinstance(branch.stored, ImageStore):
                branch.stored.fetch_images([task.image.image_key for task in batch])
            outcomes = scored_together(scorer, [task.image for task in batch])
            yield from ((task, {name: o}) for task, o in zip(batch, outcomes, strict=True))


def _parts(made: Iterable[Made], total: int) -> Iterator[tuple[int, int, list[Made]]]:
    """What was made, as often as it is worth keeping: (how many by then, of how many, which)."""
    part, since = list[Made](), time.monotonic()
    for done, one in enumerate(made, 1):
        part.append(one)
        if done == total or time.monotonic() - since >= _PUT_SECONDS:
            yield done, total, part
            part, since = [], time.monotonic()


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Items in lists of a size, the last one shorter."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
