"""Drift: the same request, made again, gives other pixels than the ones in the store.

A provider changed a model silently, a library or a driver moved: nothing in the documents tells.
So a pinned sample of stored images is made again and compared. The stored original is never
touched; the other picture is kept beside it, and what was found is a fact that verdicts depend on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from imgassets.backends.batches import Engine, Make
from imgassets.drift.findings import Drift, DriftFile
from imgassets.drift.reproducibility import Repetition, made_again, repeat
from imgassets.flows import FlowName
from imgassets.images.encoding import encode_png
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore


def revalidate(
    branch: tuple[str, str],
    requests: Mapping[FlowName, Sequence[Request]],
    store: ImageStore,
    file: DriftFile,
    maker: Callable[[FlowName], Make | Engine],
    *,
    images_per_flow: int,
    device: str,
    log: logging.Logger,
) -> list[Drift]:
    """Make a branch's pinned sample again, and keep what is known to drift now.

    Args:
        branch: endpoint and model.
        requests: all of the branch, by flow.
        store: holds the originals, and is only read.
        file: what was known before; replaced by what is known now.
        maker: what makes a flow's images, here or by workers.
        images_per_flow: size of the sample.
        device: device class, noted with how images repeat.
        log: told the outcome of each flow, and what could not be made again.

    Raises:
        ValueError: what was known before is damaged, and not all of the sample could be made again:
            only a whole one compared makes that good.
    """
    known, damage = _known(file, branch)
    name, found = "/".join(branch), list[Drift]()
    repeated: list[Repetition] = []
    for flow, of_flow in requests.items():
        sample = pinned(of_flow, store, images_per_flow)
        if not sample:
            found += still_drifting([], known, of_flow, [])
            continue
        # What drifted before is looked at even outside the sample: nothing else would clear it.
        again = pinned(of_flow, store, images_per_flow, {d.image_key for d in known})
        make = maker(flow)
        drifts, failures = remake(again, store, make, file.images)
        if failures and damage:
            raise damage
        compared = {r.image_key for r in again} - failures.keys()
        found += still_drifting(drifts, known, of_flow, compared)
        repeated += repeat(sample, store, make, device)
        log.info(f"{name}: {len(drifts)} of {len(compared)} drifted ({flow})")
        for failure in failures.values():
            log.warning(f"{name}: not made again: {failure}")
    file.repetitions(*branch).write(repeated)
    file.write(*branch, found)
    return found


def _known(file: DriftFile, branch: tuple[str, str]) -> tuple[list[Drift], ValueError | None]:
    """What drifted before, or that nobody knows."""
    try:
        return file.read(*branch), None
    except ValueError as error:
        return [], error


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
    asked = {r.image_key: r for r in requests}
    stored = {key: asked[key] for key in store.present(asked)}
    keys = sorted(stored)
    return [stored[key] for n, key in enumerate(keys) if n < count or key in also]


def remake(
    requests: Sequence[Request], store: ImageStore, make: Make | Engine, folder: Path
) -> tuple[list[Drift], dict[str, str]]:
    """Make stored images again and compare them with the originals.

    Args:
        requests: of one model and flow, all in the store.
        store: holds the originals, and is only read.
        make: makes images from inputs and sources, or an engine.
        folder: where pictures that came out differently are kept.

    Returns:
        What drifted, and by image key why others could not be made again (that is no drift).
    """
    drifts: list[Drift] = []
    failures: dict[str, str] = {}
    outcomes = made_again(requests, store, make)
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
