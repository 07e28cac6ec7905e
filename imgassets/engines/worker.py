"""What runs in every worker that makes images, be it a process or a Ray actor.

It keeps pipelines loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from imgassets.backends.base import Backend, Outcome
from imgassets.backends.batches import Make
from imgassets.backends.device import Device
from imgassets.documents.image_key import installed_version
from imgassets.documents.models import AnyModel
from imgassets.flows import FlowName
from imgassets.images.encoding import EncodedImage, decode_png
from imgassets.requests import library_versions


@dataclass(frozen=True)
class Order:
    """Which images are wanted: of a model and a flow.

    Attributes:
        root: the project's folder; the same path on every machine.
        model: the model's document, so that workers read no documents.
        flow: of the images.
        device: the class of device they are made on.
    """

    root: Path
    model: AnyModel
    flow: FlowName
    device: Device


@dataclass(frozen=True)
class Task:
    """One batch of an order.

    Attributes:
        inputs: of its requests.
        sources: PNG files that they start from; none where they start from a prompt.
    """

    inputs: Sequence[dict[str, Any]]
    sources: Sequence[bytes]


def versions_here() -> dict[str, str]:
    """Versions of what can change a pixel or its file, in this process."""
    others = {name: installed_version(name) for name in ("imgassets", "pillow", "numpy")}
    return library_versions() | others


class Worker:
    """Makes batches; what it opened for one batch serves the next ones."""

    def __init__(self) -> None:
        self._backends: dict[str, Backend] = {}
        self._makers: dict[tuple[str, FlowName], Make] = {}

    def versions(self) -> dict[str, str]:
        """See `versions_here`."""
        return versions_here()

    def make(self, order: Order, task: Task) -> list[Outcome]:
        """One outcome a request, in order; images are PNG files already, as `EncodedImage`.

        Encoding takes longer than storing, so it is done here and not by the one who stores.

        Raises: as `opened_late`.
        """
        sources = [decode_png(file) for file in task.sources]
        outcomes = self._maker(order)(task.inputs, sources)
        return [_encoded(outcome) for outcome in outcomes]

    def _maker(self, order: Order) -> Make:
        from imgassets.backends.registry import open_maker, opened_late

        what = (order.model.model, order.flow)
        if what not in self._makers:
            self._makers[what] = opened_late(
                lambda: open_maker(
                    order.flow, order.root, order.model, order.device, lambda: self._backend(order)
                )
            )
        return self._makers[what]

    def _backend(self, order: Order) -> Backend:
        from imgassets.backends.registry import open_backend

        name = order.model.model
        if name not in self._backends:
            self._backends[name] = open_backend(order.root, order.model, order.device)
        return self._backends[name]


def _encoded(outcome: Outcome) -> Outcome:
    if outcome.image is None:
        return outcome
    # The store takes both kinds of image, and nobody else sees outcomes of an engine.
    return replace(outcome, image=cast("Any", EncodedImage.of(outcome.image)))
