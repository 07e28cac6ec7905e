"""Scoring images made by anyone, with the same metrics as the graph; no model is loaded.

Two layouts are read: GenEval's (`00000/samples/0000.png`) and `PROMPT_ID/SEED.png`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.documents.geneval import read_geneval
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.documents.prompt_files import read_prompt_set
from imgassets.documents.prompts import Expectation, Prompt
from imgassets.images.errors import RefusedError, readable
from imgassets.images.folders import METADATA, Skipped, images_of, why_not_read
from imgassets.images.intake import open_for_inspection, read_file
from imgassets.images.normalize import normalize
from imgassets.images.pixels import BadImageError
from imgassets.judges.detectors import Detector
from imgassets.judges.errors import JudgeError
from imgassets.judges.ocr_letters import UnreadableTextError
from imgassets.metrics.formulas import artefacts, composition, typography

_SHOWN = 10
#: Smaller images say nothing to any judge (pixels).
_LEAST_SIDE = 16
#: Metrics that say whether an image shows what it must; the others are shown beside them.
_DECIDING = re.compile(r"^composition\.|^typography\.exact$")


@dataclass(frozen=True)
class ScoredImage:
    """What was found in one image.

    Attributes:
        file: path relative to the folder that was scored.
        prompt_id, seed: from the path; `seed` is None where the file name is no number.
        correct: shows all its prompt asks for; False for an unusable image; None where nothing
            could be judged, or the file could not be read (a link, no permission).
        reason: why not, in words; empty when correct.
        metrics: values by metric name; an unusable image has only `artefacts.clean` = 0.
    """

    file: str
    prompt_id: str
    seed: int | None
    correct: bool | None
    reason: str
    metrics: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)


@dataclass(frozen=True)
class ScoredFolder:
    """What was found in a folder.

    Attributes:
        images: in order of their paths.
        skipped: files that are no images to be judged.
        without_images: ids of prompts that no image was found for.
        disagreements: folders whose metadata.jsonl says something else than the prompt file, in
            words. The folder's decides.
    """

    images: tuple[ScoredImage, ...]
    skipped: tuple[Skipped, ...] = ()
    without_images: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()
    prompts: int = 0

    def __iter__(self) -> Iterator[ScoredImage]:
        return iter(self.images)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "images": [image.to_dict() for image in self.images],
            "skipped": [asdict(file) for file in self.skipped],
            "prompts_without_images": list(self.without_images),
            "disagreements": list(self.disagreements),
            "judged": self.judged | {"correct": sum(s.correct is True for s in self.images)},
        }

    @property
    def judged(self) -> dict[str, int]:
        """How many images there are, were judged right or wrong, and were looked at by family."""
        families = ("artefacts", "composition", "typography")
        by_family = {
            name: sum(any(m.startswith(f"{name}.") for m in s.metrics) for s in self.images)
            for name in families
        }
        judged = sum(s.correct is not None for s in self.images)
        return {"images": len(self.images), "judged": judged} | by_family

    def __str__(self) -> str:
        mark = {True: "ok  ", False: "FAIL", None: "--  "}
        lines = [f"{mark[s.correct]} {readable(s.file)}  {s.reason}".rstrip() for s in self.images]
        lines += self.disagreements
        if self.skipped:
            shown = "; ".join(f"{readable(s.file)} ({s.reason})" for s in self.skipped[:_SHOWN])
            more = ", ..." if len(self.skipped) > _SHOWN else ""
            lines.append(f"{len(self.skipped)} file(s) not judged: {shown}{more}")
        if self.without_images:
            shown = ", ".join(self.without_images[:_SHOWN])
            more = ", ..." if len(self.without_images) > _SHOWN else ""
            count = f"{len(self.without_images)} of {self.prompts} prompts"
            lines.append(f"{count} have no image: {shown}{more}")
        return "\n".join([*lines, *self._totals()])

    def _totals(self) -> list[str]:
        """What part was judged, and how much of it is right."""
        count = self.judged
        parts = {"artefacts": "artefacts", "composition": "objects", "typography": "text"}
        looked = ", ".join(f"{what} in {count[name]}" for name, what in parts.items())
        lines = [f"judged, of {count['images']} images: {looked}"]
        right = sum(s.correct is True for s in self.images)
        if not count["judged"]:
            lines.append(
                "no image was judged right or wrong: no prompt expects anything that this judge "
                "knows; give prompts an `expect`, or name another `--judge`"
            )
        lines.append(
            f"{right} of {count['judged']} judged images correct, {count['images']} in all"
        )
        return lines


def score_folder(
    prompts: Path,
    images: Path,
    detector: Detector | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> ScoredFolder:
    """Score every image of a folder, in order of their paths.

    As in GenEval's evaluate_images.py, a folder's own metadata.jsonl says what its images must
    show; where there is none, the prompt file says it.

    Args:
        prompts: a prompt set, or GenEval's metadata.
        images: the folder.
        detector: the judge of composition; None takes that of flat shapes.
        progress: called with (done, all) after each image.

    Raises:
        InvalidDocumentsError: the prompt file is unusable.
        FileNotFoundError: no image in the folder.
        NotADirectoryError: no such folder.
    """
    asked = {p.id: p for p in read_prompt_set(prompts).prompts}
    found, skipped = images_of(images)
    if not found:
        left_out = f"; not judged: {skipped[0].file} ({skipped[0].reason})" if skipped else ""
        raise FileNotFoundError(
            f"no image in {images}; expected PROMPT_ID/SEED.png or 00000/samples/0000.png{left_out}"
        )
    folders = {path: _folder_of(path) for path in found}
    told = {holder: _told_by(holder) for holder in set(folders.values()) if holder != images}
    disagreements = [
        _disagreement(prompts, asked.get(holder.name), holder / METADATA, own)
        for holder, own in sorted(told.items())
        if isinstance(own, Prompt)
    ]
    seen = {holder.name for holder in told}
    scored = []
    for path in found:
        scored.append(_score(images, path, asked, told.get(folders[path]), detector))
        progress(len(scored), len(found))
    return ScoredFolder(
        tuple(scored),
        tuple(skipped),
        tuple(name for name in asked if name not in seen),
        tuple(text for text in disagreements if text),
        len(asked),
    )


def _folder_of(image: Path) -> Path:
    """The folder that is named by the prompt's id."""
    return image.parent.parent if image.parent.name == "samples" else image.parent


def _told_by(holder: Path) -> Prompt | str | None:
    """What a folder's metadata.jsonl asks for; why it cannot be used; None without one."""
    path = holder / METADATA
    if not path.exists():
        return None
    try:
        return read_geneval(path).prompts[0]
    except InvalidDocumentsError as error:
        first = error.problems[0]
        return (
            f"{METADATA} cannot be used: {first.field + ': ' if first.field else ''}{first.message}"
        )


def _disagreement(file: Path, listed: Prompt | None, path: Path, own: Prompt) -> str:
    where = f"{path.parent.name}/{METADATA}"
    if listed is None:
        return f"{where}: {file.name} has no prompt {path.parent.name!r}; the folder's file decides"
    if listed.expect != own.expect:
        what = "expects something else than"
    elif listed.prompt != own.prompt:
        what = "has another prompt than"
    else:
        return ""
    return (
        f"{where} {what} {file.name} ({own.prompt!r}, not {listed.prompt!r}); the folder's decides"
    )


def _score(
    root: Path,
    path: Path,
    asked: dict[str, Prompt],
    told: Prompt | str | None,
    detector: Detector | None,
) -> ScoredImage:
    holder = _folder_of(path)
    prompt_id = holder.name if holder != root else ""
    seed = int(path.stem) if path.stem.isdecimal() else None

    def result(correct: bool | None, reason: str, metrics: dict[str, float]) -> ScoredImage:
        file = path.relative_to(root).as_posix()
        return ScoredImage(file, prompt_id, seed, correct, reason, metrics)

    wanted = told or asked.get(prompt_id)
    if wanted is None:
        reason = f"no prompt {prompt_id!r} in the prompt set; the folder must be named by its id"
        return result(None, reason, {})
    if isinstance(wanted, str):
        return result(None, wanted, {})
    unread = why_not_read(path)
    if unread:
        return result(None, f"not judged: {unread}", {})
    try:
        return result(*score_bytes(read_file(path), wanted.expect, detector))
    except RefusedError as error:
        return result(*_unreadable(error))


def score_bytes(
    source: bytes, wanted: Expectation, detector: Detector | None = None
) -> tuple[bool | None, str, dict[str, float]]:
    """(correct, reason, metrics) of one encoded image against one expectation.

    The guard of `imgassets normalize` reads it, so its colors are judged as people see them: by the
    profile of the file, which is no fault here.
    """
    try:
        opened = open_for_inspection(source)
        clean = artefacts.score(artefacts.inspect(opened, opened.size, "RGB"))
        if not clean.value:
            return False, clean.reason, {clean.metric: clean.value}
        pixels = np.asarray(normalize(source).image)
    except RefusedError as error:
        return _unreadable(error)
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        small = f"expected at least {_LEAST_SIDE} x {_LEAST_SIDE} pixels, got {pixels.shape[1::-1]}"
        return None, f"cannot be judged: {small}", {clean.metric: clean.value}
    scores, unjudged = [], ""
    for judge in (lambda: composition.score(pixels, wanted, detector),
                  lambda: typography.score(pixels, wanted)):  # fmt: skip
        try:
            scores += judge()
        except (JudgeError, BadImageError, UnreadableTextError) as error:
            unjudged = unjudged or f"cannot be judged: {error}"
    metrics = {s.metric: s.value for s in (clean, *scores) if not math.isnan(s.value)}
    deciding = [s for s in scores if _DECIDING.match(s.metric)]
    wrong = [s.reason or s.metric for s in deciding if s.value < 1.0]
    if unjudged and not wrong:  # what was judged is right, the rest may be anything
        return None, unjudged, metrics
    if not deciding:
        return None, "the prompt expects nothing that could be judged", metrics
    return not wrong, "; ".join(wrong), metrics


def _unreadable(error: RefusedError) -> tuple[bool, str, dict[str, float]]:
    clean = artefacts.score([artefacts.Finding("unreadable", str(error))])
    return False, clean.reason, {clean.metric: clean.value}
