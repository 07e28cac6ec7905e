"""Reproducibility as measured: stored images made again in other company, and how they come out.

The nightly revalidation repeats its pinned sample: as it was, in reverse order, and one request
alone; by the workers of an engine where there are any. A report shows what was found, or that
nothing was measured yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.backends.base import Outcome
from imgassets.backends.batches import Batch, Engine, InProcess, Make
from imgassets.images.encoding import EncodedImage, decode_png
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore
from imgassets.storage.whole_file import write_whole

#: In what way images were made again, as reports name it.
AGAIN, REVERSED, ALONE = "again, in another process", "in reverse order", "one alone"
#: Images that are made again together: the usual sample. A larger one is spread over workers.
_TOGETHER = 4


@dataclass(frozen=True)
class Repetition:
    """One flow of a model, made again in one way and compared with what is stored.

    Attributes:
        flow, how: what was repeated, and in which way.
        images: compared; a request that failed this time is not among them but in `failed`.
        identical, within, different: how many came out bit by bit, within tolerance, or neither.
        max_difference: largest of any channel of any pixel, levels (0..255).
        device: device class it was made on.
    """

    flow: str
    how: str
    images: int
    identical: int
    within: int
    different: int
    max_difference: int
    failed: int
    device: str


def made_again(
    requests: Sequence[Request], store: ImageStore, make: Make | Engine
) -> list[Outcome]:
    """What becomes of each request, in order, with images decoded.

    Args:
        requests: of one model and flow, each once.
        store: has the images they start from.
        make: makes images from inputs and sources, or an engine that has workers do so.
    """
    engine = make if isinstance(make, Engine) else InProcess(make)
    starts = range(0, len(requests), _TOGETHER)
    batches = [Batch(requests[start : start + _TOGETHER], store) for start in starts]
    found = {
        request.image_key: outcome
        for batch, outcomes in engine.run(batches)
        for request, outcome in zip(batch.requests, outcomes, strict=True)
    }
    return [_decoded(found[request.image_key]) for request in requests]


def _decoded(outcome: Outcome) -> Outcome:
    if isinstance(outcome.image, EncodedImage):  # a worker's
        return replace(outcome, image=decode_png(outcome.image.png))
    return outcome


def repeat(
    requests: Sequence[Request], store: ImageStore, make: Make | Engine, device: str
) -> list[Repetition]:
    """Make stored images again in three ways, and compare each with its original.

    Args:
        requests: of one model and flow, all in the store; at least one.
        store: holds the originals, and is only read.
        make: makes images from inputs and sources, or an engine.
        device: what to note as device class.
    """
    orders = {AGAIN: list(requests), REVERSED: list(requests)[::-1], ALONE: list(requests)[:1]}
    return [_repetition(how, chosen, store, make, device) for how, chosen in orders.items()]


def _repetition(
    how: str, requests: Sequence[Request], store: ImageStore, make: Make | Engine, device: str
) -> Repetition:
    from imgassets.metrics.formulas.reproducibility import Tolerance, compare

    # As the benchmark of the embedded models: other batch sizes and threads stay far within.
    tolerance = Tolerance(max_difference=8, min_psnr=45.0, min_ssim=0.995, max_bits=2)
    outcomes = made_again(requests, store, make)
    found = [
        compare(np.asarray(outcome.image.convert("RGB")), store.read_array(request.image_key))
        for request, outcome in zip(requests, outcomes, strict=True)
        if outcome.image is not None
    ]
    verdicts = [comparison.verdict(tolerance) for comparison in found]
    return Repetition(
        flow=requests[0].flow,
        how=how,
        images=len(found),
        identical=verdicts.count("identical"),
        within=verdicts.count("within tolerance"),
        different=verdicts.count("different"),
        max_difference=max((c.max_difference for c in found), default=0),
        failed=len(requests) - len(found),
        device=device,
    )


@dataclass(frozen=True)
class RepetitionFile:
    """What the last revalidation of a branch repeated; absent means not measured."""

    path: Path

    def read(self) -> list[Repetition]:
        """Empty where nothing was measured.

        Raises:
            ValueError: the file was damaged.
        """
        return [Repetition(**item) for item in self.content()]

    def content(self) -> list[Mapping[str, Any]]:
        """As `read`, in JSON's types."""
        if not self.path.exists():
            return []
        try:
            return list(json.loads(self.path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{self.path} is damaged; run the job `revalidate` again") from error

    def write(self, found: Sequence[Repetition]) -> None:
        """Replace it, whole or not at all."""
        write_whole(self.path, json.dumps([asdict(r) for r in found], indent=1))
