"""One branch's pinned sample, made again: what drifts now, and how it repeats."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imgassets.backends.generation import Make
from imgassets.drift.reproducibility import Repetition, repeat
from imgassets.drift.revalidation import Drift, DriftFile, pinned, remake, still_drifting
from imgassets.report.drift_page import drift_page
from imgassets.requests import Request
from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets.storage.whole_file import write_whole


@dataclass(frozen=True)
class BranchSample:
    """What it takes to make the sample of a branch again.

    Attributes:
        endpoint, model: which branch.
        flows: of the endpoint.
        requests: all of the branch, as the documents are now.
        store: holds the originals, and is only read.
        make: gives what makes images of a flow; what it opens is opened late.
        device: class of device they are made on.
        file: what is known to drift; written by `revalidate`.
        log: tells how far it is.
    """

    endpoint: str
    model: str
    flows: Sequence[str]
    requests: Sequence[Request]
    store: ImageStore
    make: Callable[[str], Make]
    device: str
    file: DriftFile
    log: logging.Logger

    def revalidate(self, images_per_flow: int) -> list[Drift]:
        """Make the sample again and write down what drifts and how it repeats.

        Raises:
            ValueError: what was known to drift was damaged, and the sample could not be made whole.
        """
        known, damage = self._known()
        drifts: list[Drift] = []
        repeated: list[Repetition] = []
        for flow in self.flows:
            drifting, repetitions = self._flow(flow, images_per_flow, known, damage)
            drifts += drifting
            repeated += repetitions
        self.file.repetitions(self.endpoint, self.model).write(repeated)
        self.file.write(self.endpoint, self.model, drifts)
        return drifts

    def _known(self) -> tuple[list[Drift], ValueError | None]:
        """What drifted before, or that nobody knows: a whole sample compared makes that good."""
        try:
            return self.file.read(self.endpoint, self.model), None
        except ValueError as error:
            return [], error

    def _flow(
        self, flow: str, count: int, known: Sequence[Drift], damage: ValueError | None
    ) -> tuple[list[Drift], list[Repetition]]:
        requests = [r for r in self.requests if r.flow == flow]
        sample = pinned(requests, self.store, count)
        if not sample:
            return still_drifting([], known, requests, []), []
        # What drifted before is looked at even outside the sample: nothing else would clear it.
        again = pinned(requests, self.store, count, {d.image_key for d in known})
        make = self.make(flow)
        drifts, failures = remake(again, self.store, make, self.file.images)
        if failures and damage:
            raise damage
        compared = {r.image_key for r in again} - failures.keys()
        where = f"{self.endpoint}/{self.model}"
        self.log.info(f"{where}: {len(drifts)} of {len(compared)} drifted ({flow})")
        for failure in failures.values():
            self.log.warning(f"{where}: not made again: {failure}")
        drifting = still_drifting(drifts, known, requests, compared)
        return drifting, repeat(sample, self.store, make, self.device)


def write_drift_page(
    file: DriftFile, store: ImageStore, branches: Sequence[tuple[str, str]]
) -> None:
    """Show what drifts in some branches, each pair side by side, in `drift.html`."""
    page = drift_page(
        [drift for branch in branches for drift in file.read(*branch)],
        stored=lambda drift: _picture(lambda: store.read_bytes(drift.image_key)),
        remade=lambda drift: _picture((file.images / drift.remade).read_bytes),
    )
    write_whole(file.folder / "drift.html", page)


def _picture(read: Callable[[], bytes]) -> bytes:
    """Nothing where it was deleted or harmed since it drifted: the page then has words alone."""
    try:
        return read()
    except (KeyError, OSError, CorruptEntryError):
        return b""
