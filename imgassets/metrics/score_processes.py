"""Scoring one image by several families, here or in processes of their own.

`loky` keeps the processes for the next table, and notices one that was killed.
"""

from __future__ import annotations

import hashlib
import math
import os
import pickle
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from PIL.Image import DecompressionBombError

from imgassets.images.pixels import BadImageError
from imgassets.judges.errors import JudgeError
from imgassets.judges.ocr_letters import UnreadableTextError
from imgassets.metrics.branch import Branch, Images
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.family import Scorer
from imgassets.metrics.scores import Score
from imgassets.storage.image_store import ImageStore

#: Starting processes takes about this long; less work is done before they were there.
START_SECONDS = 4.0
_LOOKED_AT = 3  # images that tell how long one takes; the first loads what judges need
_CHUNK = 4  # images handed to a process at once
_IDLE_SECONDS = 60
_DECODED = 4  # images kept decoded: an image, its source, and what a family may look at beside
_CONTEXTS = 8
#: One thread a process. OCR's memory grows with the largest image it saw and stays: no leak.
_IN_PROCESSES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LOKY_MAX_MEMORY_LEAK_SIZE": "4e9",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one image in one family.

    Attributes:
        scores: of the image.
        problem: why there are none; empty where there are.
        lasts: whether the same comes out when it is tried again: then it is kept.
        seconds: that it took.
    """

    scores: tuple[Score, ...] = ()
    problem: str = ""
    lasts: bool = True
    seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """One image, and the families it is to be scored by, each with its score key."""

    image: Any
    keys: dict[str, str]


#: A task and what became of it, by family.
Made = tuple[Task, dict[str, Outcome]]


class DecodedOnce:
    """Images of a store, the latest few of them kept decoded."""

    def __init__(self, stored: Images, keep: int = _DECODED) -> None:
        self._stored, self._keep = stored, keep
        self._arrays: OrderedDict[str, np.ndarray] = OrderedDict()

    def read_from(self, stored: Images) -> None:
        """Read other images from now on."""
        self._stored = stored
        self._arrays.clear()  # the same key may be another image: one that was made anew

    def read_bytes(self, key: str) -> bytes:
        """The stored file."""
        return self._stored.read_bytes(key)

    def fetch_images(self, keys: Sequence[str]) -> None:
        """Bring files near that will be read."""
        if isinstance(self._stored, ImageStore):
            self._stored.fetch_images(keys)

    def read_array(self, key: str) -> np.ndarray:
        """The pixels: uint8, (H, W, 3), sRGB; to be looked at, not changed."""
        if key not in self._arrays:
            self._arrays[key] = self._stored.read_array(key)
            self._arrays[key].flags.writeable = False
            while len(self._arrays) > self._keep:
                self._arrays.popitem(last=False)
        return self._arrays[key]


class _Scorers:
    """Scorers of a branch, each made when it is first asked for."""

    def __init__(self, branch: Branch) -> None:
        self._stored = DecodedOnce(branch.stored)
        self._branch = replace(branch, stored=self._stored)
        self._scorers: dict[str, Scorer] = {}

    def all_outcomes(
        self, tasks: Sequence[Task], sent: Images | None = None
    ) -> list[dict[str, Outcome]]:
        """What becomes of some images, which were sent or are in the store."""
        if sent is not None:
            self._stored.read_from(sent)
        self._stored.fetch_images([task.image.image_key for task in tasks])
        return [self.outcomes(task) for task in tasks]

    def outcomes(self, task: Task) -> dict[str, Outcome]:
        """What becomes of an image in each family that is asked for."""
        return {name: scored(self._scorer(name), task.image) for name in task.keys}

    def _scorer(self, name: str) -> Scorer:
        if name not in self._scorers:
            self._scorers[name] = FAMILIES[name].scorer(self._branch)
        return self._scorers[name]


def scored(scorer: Scorer, image: Any) -> Outcome:
    """One image in one family. What is wrong with the image is its outcome, nothing else is."""
    start = time.perf_counter()
    try:
        found = Outcome(tuple(scorer(image)))
    except FileNotFoundError:
        raise  # a lost file is a fault of the store, not of the image
    except (BadImageError, JudgeError, UnreadableTextError) as error:
        found = Outcome(problem=f"cannot be judged: {error}")
    except (OSError, SyntaxError, DecompressionBombError) as error:  # what Pillow raises
        found = Outcome(problem=f"unreadable: {error}", lasts=False)
    return replace(found, seconds=time.perf_counter() - start)


def scored_together(scorer: Any, images: Sequence[Any]) -> list[Outcome]:
    """Images that are looked at in one batch; one by one where a scorer has no `many`."""
    if len(images) == 1 or not hasattr(scorer, "many"):
        return [scored(scorer, image) for image in images]
    start = time.perf_counter()
    try:
        found = scorer.many(images)
    except (OSError, SyntaxError, DecompressionBombError, BadImageError, JudgeError):
        return [scored(scorer, image) for image in images]  # one of them; which, this tells
    each = (time.perf_counter() - start) / len(images)
    return [
        Outcome(problem=f"cannot be judged: {scores}", seconds=each)
        if isinstance(scores, JudgeError)
        else Outcome(tuple(scores), seconds=each)
        for scores in found
    ]


class Others(Protocol):
    """Processes that score images beside this one."""

    @property
    def start_seconds(self) -> float:
        """How long it takes until they begin."""

    def run(self, tasks: Sequence[Task], branch: Branch) -> Iterator[Made]:
        """Outcomes of tasks in any order; the images are in an `ImageStore`."""


class Cores:
    """A process for every core of this machine, by loky."""

    @property
    def start_seconds(self) -> float:
        """See `Others`; on one core they would never pay."""
        return START_SECONDS if usable_cores() > 1 else math.inf

    def run(self, tasks: Sequence[Task], branch: Branch) -> Iterator[Made]:
        """See `Others`."""
        return _by_processes(tasks, branch, usable_cores())


ALL_CORES = Cores()


def scored_quickly(
    tasks: Sequence[Task], branch: Branch, others: Others = ALL_CORES
) -> Iterator[Made]:
    """Outcomes of tasks, in any order.

    The first images are scored here. Where those left would take longer than starting other
    processes, these take over. Images that are in no store are scored here.

    Raises:
        KeyError, FileNotFoundError: an image is not in the store any more.
    """
    here, quickest = _Scorers(branch), math.inf
    alone = not isinstance(branch.stored, ImageStore)
    for done, task in enumerate(tasks):
        left = quickest * (len(tasks) - done)
        if not alone and done >= _LOOKED_AT and left > others.start_seconds:
            yield from others.run(tasks[done:], branch)
            return
        start = time.perf_counter()
        yield task, here.outcomes(task)
        quickest = min(quickest, time.perf_counter() - start)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _by_processes(tasks: Sequence[Task], branch: Branch, cores: int) -> Iterator[Made]:
    import loky
    from loky.process_executor import TerminatedWorkerError

    name, context = context_of(branch, branch.stored)
    pool = loky.get_reusable_executor(cores, timeout=_IDLE_SECONDS, env=_IN_PROCESSES)
    waiting: deque[tuple[Sequence[Task], Future[list[dict[str, Outcome]]]]] = deque()
    try:
        for start in range(0, len(tasks), _CHUNK):
            part = tasks[start : start + _CHUNK]
            waiting.append((part, pool.submit(_in_process, name, context, part)))
            if len(waiting) > 3 * cores:
                yield from _ended(*waiting.popleft())
        while waiting:
            yield from _ended(*waiting.popleft())
    except TerminatedWorkerError as error:
        raise RuntimeError(
            "a process that scores images was killed, most likely for want of memory; run again: "
            "scores that were made are kept"
        ) from error
    finally:
        for _, future in waiting:
            future.cancel()


def _ended(part: Sequence[Task], future: Future[list[dict[str, Outcome]]]) -> Iterator[Made]:
    yield from zip(part, future.result(), strict=True)


def context_of(branch: Branch, stored: Images | None = None) -> tuple[str, bytes]:
    """A branch for other processes: its name, by content, and the branch, packed.

    Args:
        branch: its table is left out, since a process is told which images to look at.
        stored: where processes read images from; None where images are sent to them.
    """
    there: Any = stored
    context = pickle.dumps(replace(branch, images=branch.images.iloc[:0], stored=there))
    judges = [branch.judge_version(name) for name in sorted(branch.judges)]
    return hashlib.sha256(context + repr(judges).encode()).hexdigest(), context


_contexts: OrderedDict[str, _Scorers] = OrderedDict()


def _in_process(name: str, context: bytes, tasks: Sequence[Task]) -> list[dict[str, Outcome]]:
    """Runs in a process of its own, which reads images from the store."""
    return _scorers_of(name, context).all_outcomes(tasks)


def score_sent(
    name: str, context: bytes, tasks: Sequence[Task], images: Images
) -> list[dict[str, Outcome]]:
    """Runs in a process of its own, which has no store.

    Args:
        name, context: from `context_of`.
        tasks: what to score.
        images: those that the tasks look at, and no others.

    Raises: as `scored_quickly`.
    """
    return _scorers_of(name, context).all_outcomes(tasks, images)


def _scorers_of(name: str, context: bytes) -> _Scorers:
    """Scorers of a branch; those of the latest few stay loaded."""
    if name not in _contexts:
        import cv2

        cv2.setNumThreads(1)  # there is a process for every core
        branch: Branch = pickle.loads(context)  # noqa: S301 - our own, from our parent
        _contexts[name] = _Scorers(branch)
        while len(_contexts) > _CONTEXTS:
            _contexts.popitem(last=False)
    _contexts.move_to_end(name)
    return _contexts[name]
