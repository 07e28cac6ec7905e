"""Opens the judge that a document pins; the module of a kind loads when it is first asked for.

A module exports `open_judge(document, root, device)`; what comes back is a `Detector`
(`judges.detectors`), an `AlignmentJudge` (`judges.alignment`) or a `FaceJudge` (`judges.faces`).
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from imgassets.documents.judge import AnyJudge, judge_fingerprint
from imgassets.judges.errors import JudgeError

_MODULES = {
    "shapes": "detectors",
    "ssd-mobilenet": "ssd_mobilenet",
    "object-detection": "transformers_detector",
    "instance-segmentation": "transformers_detector",
    "zero-shot-object-detection": "zero_shot_detector",
    "vqa": "vqa",
    "clip": "clip",
    "centerface": "centerface",
}


def open_judge(root: Path, document: AnyJudge, device: str) -> Any:
    """The instrument of a judge document; kept, since loading one may take minutes.

    Args:
        root: the project's, where relative folders of weights start.
        document: a judge.
        device: `cpu`, `cuda`, ...; judges that are not learned run on the CPU.

    Raises:
        JudgeError: it cannot be loaded; says why and what to do.
    """
    try:
        fingerprint = judge_fingerprint(root, document)
    except FileNotFoundError as error:
        raise JudgeError(
            f"judge {document.judge}: no weights at {error.filename or error}; put them there, or "
            "correct `weights`"
        ) from error
    pinned = _Pinned(f"{document.judge} {fingerprint}", root, document)
    return _opened(pinned, document.runs_on(device))


class _Pinned:
    """A judge that is equal to another of the same name and fingerprint."""

    def __init__(self, fingerprint: str, root: Path, document: AnyJudge) -> None:
        self.fingerprint, self.root, self.document = fingerprint, root, document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pinned) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)


@lru_cache(maxsize=4)
def _opened(pinned: _Pinned, device: str) -> Any:
    module = importlib.import_module(f"imgassets.judges.{_MODULES[pinned.document.kind]}")
    return module.open_judge(pinned.document, pinned.root, device)
