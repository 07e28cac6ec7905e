"""Scoring images made by anyone, with the same metrics as the graph; no model is loaded.

Two layouts are read: GenEval's (`00000/samples/0000.png`) and `PROMPT_ID/SEED.png`.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imgassets.images.intake import claimed_size, read_file
from imgassets.images.refusal import RefusedError
from imgassets.metrics import artefacts, composition, typography
from imgassets.metrics.detectors import DetectorError
from imgassets.metrics.ocr_letters import UnreadableTextError
from imgassets.metrics.pixels import BadImageError
from imgassets.spec.geneval import read_geneval
from imgassets.spec.project import read_document
from imgassets.spec.prompts import Expectation, PromptSet

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
#: Metrics that say whether an image shows what it must; the others are shown beside them.
_DECIDING = re.compile(r"^composition\.|^typography\.exact$")


@dataclass(frozen=True)
class ScoredImage:
    """What was found in one image.

    Attributes:
        file: path relative to the folder that was scored.
        prompt_id, seed: from the path; `seed` is None where the file name is no number.
        correct: shows all its prompt asks for; False for an unusable image; None where nothing
            could be judged.
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


def read_prompts(path: Path) -> PromptSet:
    """A prompt set from any place: YAML, or GenEval's metadata (JSON lines).

    Raises:
        InvalidDocumentsError: with every problem found.
    """
    if path.is_file() and path.suffix in {".jsonl", ".json"}:
        return read_geneval(path)
    return read_document(path, PromptSet)


def score_folder(prompts: Path, images: Path) -> list[ScoredImage]:
    """Score every image of a folder, in order of their paths.

    Raises:
        InvalidDocumentsError: the prompt file is unusable.
        FileNotFoundError: no such folder, or no image in it.
    """
    expectations = {p.id: p.expect for p in read_prompts(prompts).prompts}
    found = sorted(_images(images))
    if not found:
        raise FileNotFoundError(
            f"no image in {images}; expected PROMPT_ID/SEED.png or 00000/samples/0000.png"
        )
    return [_score(images, path, expectations) for path in found]


def _images(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder")
    for path in folder.rglob("*"):
        # GenEval puts an overview of all samples beside them.
        if path.suffix.lower() in SUFFIXES and path.stem != "grid" and path.is_file():
            yield path


def _score(folder: Path, path: Path, expectations: dict[str, Expectation]) -> ScoredImage:
    relative = path.relative_to(folder)
    holder = path.parent.parent if path.parent.name == "samples" else path.parent
    prompt_id = holder.name if holder != folder else ""
    seed = int(path.stem) if path.stem.isdecimal() else None
    file = relative.as_posix()
    wanted = expectations.get(prompt_id)
    if wanted is None:
        reason = f"no prompt {prompt_id!r} in the prompt set; the folder must be named by its id"
        return ScoredImage(file, prompt_id, seed, None, reason)
    try:
        correct, reason, metrics = score_bytes(read_file(path), wanted)
    except RefusedError as error:
        correct, reason, metrics = _unreadable(error)
    return ScoredImage(file, prompt_id, seed, correct, reason, metrics)


def score_bytes(source: bytes, wanted: Expectation) -> tuple[bool | None, str, dict[str, float]]:
    """(correct, reason, metrics) of one encoded image against one expectation."""
    try:
        size = claimed_size(source)
    except RefusedError as error:
        return _unreadable(error)
    clean = artefacts.score(artefacts.inspect(source, size, "RGB"))
    if not clean.value:
        return False, clean.reason, {clean.metric: clean.value}
    with Image.open(io.BytesIO(source)) as image:
        pixels = np.asarray(image.convert("RGB"))
    try:
        scores = composition.score(pixels, wanted)
    except (DetectorError, BadImageError) as error:
        return None, f"cannot be judged: {error}", {clean.metric: clean.value}
    unjudged = ""
    try:
        scores += typography.score(pixels, wanted)
    except UnreadableTextError as error:
        unjudged = f"cannot be judged: {error}"
    metrics = {s.metric: s.value for s in (clean, *scores) if not math.isnan(s.value)}
    deciding = [s for s in scores if _DECIDING.match(s.metric)]
    wrong = [s.reason or s.metric for s in deciding if s.value < 1.0]
    if unjudged and not wrong:  # what was judged is right, the text may be anything
        return None, unjudged, metrics
    if not deciding:
        return None, "the prompt expects nothing that could be judged", metrics
    return not wrong, "; ".join(wrong), metrics


def _unreadable(error: RefusedError) -> tuple[bool, str, dict[str, float]]:
    clean = artefacts.score([artefacts.Finding("unreadable", str(error))])
    return False, clean.reason, {clean.metric: clean.value}
