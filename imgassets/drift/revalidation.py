"""Drift: the same request, made again, gives other pixels than the ones in the store.

A provider changed a model silently, a library or a driver moved: nothing in the documents tells.
So a pinned sample of stored images is made again and compared. The stored original is never
touched; the other picture is kept beside it, and what was found is a fact that verdicts depend on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imgassets.backends.generation import Make
from imgassets.documents.base import fingerprint
from imgassets.drift.reproducibility import RepetitionFile
from imgassets.images.encoding import encode_png
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import home_of
from imgassets.storage.whole_file import write_whole


@dataclass(frozen=True)
class Drift:
    """One image that does not come out as it is stored.

    Attributes:
        endpoint, model, flow, prompt_id, seed, image_key: which.
        share: of pixels that differ, 0..1; 1 where the size does.
        largest: greatest difference of a channel, levels (0..255).
        remade: file of the other picture, in the folder of drift images.
    """

    endpoint: str
    model: str
    flow: str
    prompt_id: str
    seed: int
    image_key: str
    share: float
    largest: int
    remade: str

    @property
    def words(self) -> str:
        where = f"{self.model}: {self.flow} of {self.prompt_id}, seed {self.seed}"
        return f"{where}: {self.share:.1%} of pixels differ, by up to {self.largest} levels"


@dataclass(frozen=True)
class DriftFile:
    """What is known to drift in each branch; absent files mean nothing."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> DriftFile:
        """That of a project."""
        return cls(home_of(root).drift)

    def path(self, endpoint: str, model: str) -> Path:
        return self.folder / endpoint / f"{model}.json"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    def read(self, endpoint: str, model: str) -> list[Drift]:
        """Drift found in a branch.

        Raises:
            ValueError: the file was damaged; a drift must not be forgotten because of that.
        """
        path = self.path(endpoint, model)
        if not path.exists():
            return []
        try:
            return [Drift(**item) for item in json.loads(path.read_text(encoding="utf-8"))]
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is damaged; run the job `revalidate` again") from error

    def version(self, endpoint: str, model: str) -> str:
        """Hash of what was found; the same as long as images drift and repeat the same way."""
        drifts = [asdict(d) for d in self.read(endpoint, model)]
        repeated = self.repetitions(endpoint, model).content()
        return fingerprint([drifts, repeated] if repeated else drifts)

    def repetitions(self, endpoint: str, model: str) -> RepetitionFile:
        """How a branch's images came out when they were made again."""
        return RepetitionFile(self.folder / endpoint / f"{model}.repetitions.json")

    def write(self, endpoint: str, model: str, found: Sequence[Drift]) -> None:
        """Replace what was found in a branch, whole or not at all."""
        text = json.dumps([asdict(d) for d in found], indent=1)
        write_whole(self.path(endpoint, model), text)

    def reasons(self, endpoint: str, models: Iterable[str]) -> list[str]:
        """Why a person must look: one reason for each of the models that drifts."""
        reasons = []
        for model in dict.fromkeys(models):
            found = self.read(endpoint, model)
            if found:
                more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
                reasons.append(f"drift of {found[0].words}{more}")
        return reasons


def pinned(
    requests: Iterable[Request], store: ImageStore, count: int, also: Collection[str] = ()
) -> list[Request]:
    """The same sample every night: stored images with the smallest keys, which are hashes.

    Args:
        requests: of one flow.
        store: says what is stored.
        count: size of the sample.
        also: image keys to look at beside the sample.
    """
    stored = {r.image_key: r for r in requests if store.has(r.image_key)}
    keys = sorted(stored)
    return [stored[key] for n, key in enumerate(keys) if n < count or key in also]


def remake(
    requests: Sequence[Request], store: ImageStore, make: Make, folder: Path
) -> tuple[list[Drift], dict[str, str]]:
    """Make stored images again and compare them with the originals.

    Args:
        requests: of one model and flow, all in the store.
        store: holds the originals, and is only read.
        make: makes images from inputs and sources.
        folder: where pictures that came out differently are kept.

    Returns:
        What drifted, and by image key why others could not be made again (that is no drift).
    """
    sources = [store.read(r.source_key) for r in requests if r.source_key]
    drifts: list[Drift] = []
    failures: dict[str, str] = {}
    outcomes = make([r.inputs for r in requests], sources)
    for request, outcome in zip(requests, outcomes, strict=True):
        if outcome.image is None:
            why = f"{request.prompt_id}: {outcome.failure}: {outcome.message}"
            failures[request.image_key] = why
            continue
        share, largest = difference(store.read_array(request.image_key), outcome.image)
        if share:
            name = _keep(folder, request.image_key, outcome.image)
            drifts.append(_drift(request, share, largest, name))
    return drifts, failures


def still_drifting(
    found: Iterable[Drift],
    known: Iterable[Drift],
    requests: Iterable[Request],
    compared: Collection[str],
) -> list[Drift]:
    """What drifts in a flow now: only a comparison that finds nothing clears a known drift.

    Args:
        found: by this revalidation.
        known: before it.
        requests: of the flow; what is not among them is no longer asked for.
        compared: keys of the images that were made again this time.
    """
    open_keys = {r.image_key for r in requests}.difference(compared)
    kept = [drift for drift in known if drift.image_key in open_keys]
    return sorted([*found, *kept], key=lambda drift: drift.image_key)


def difference(stored: np.ndarray, remade: Image.Image) -> tuple[float, int]:
    """Share of pixels that differ (0..1), and the greatest difference (levels).

    Args:
        stored: uint8 (H, W, 3), sRGB.
        remade: the same request's other picture.
    """
    other = np.asarray(remade.convert("RGB"))
    if other.shape != stored.shape:
        return 1.0, 255
    apart = np.abs(stored.astype(np.int16) - other.astype(np.int16)).max(axis=2)
    return float((apart > 0).mean()), int(apart.max())


def _drift(request: Request, share: float, largest: int, name: str) -> Drift:
    return Drift(
        request.endpoint,
        request.model,
        request.flow,
        request.prompt_id,
        request.seed,
        request.image_key,
        share,
        largest,
        name,
    )


def _keep(folder: Path, key: str, image: Image.Image) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"remade-{key[:16]}.png"
    path.write_bytes(encode_png(image))
    return path.name
