"""What is known to drift: the facts that revalidation leaves, and that verdicts depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imgassets.documents.base import fingerprint
from imgassets.drift.reproducibility import RepetitionFile
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
        """Which image drifted, and how far."""
        where = f"{self.model}: {self.flow} of {self.prompt_id}, seed {self.seed}"
        return f"{where}: {self.share:.1%} of pixels differ, by up to {self.largest} levels"


@dataclass(frozen=True)
class Revalidated:
    """What the last revalidation of a branch found; empty where there was none.

    Attributes:
        drifts: images that came out differently.
        repetitions: how the sample came out, in JSON's types (`reproducibility.Repetition`).
    """

    drifts: Sequence[Drift]
    repetitions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class DriftFile:
    """What is known to drift in each branch; absent files mean nothing."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> DriftFile:
        """That of a project."""
        return cls(home_of(root).drift)

    def path(self, endpoint: str, model: str) -> Path:
        """Where a branch's drift is kept."""
        return self.folder / endpoint / f"{model}.json"

    @property
    def images(self) -> Path:
        """Where pictures that came out differently are kept."""
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

    def found(self, endpoint: str, model: str) -> Revalidated:
        """All that is known of a branch. Raises as `read`."""
        repetitions = self.repetitions(endpoint, model).content()
        return Revalidated(self.read(endpoint, model), repetitions)


def drift_reasons(drifts: Mapping[str, Sequence[Drift]]) -> list[str]:
    """Why a person must look: one reason for each of the models that drifts.

    Args:
        drifts: by model.
    """
    reasons = []
    for found in drifts.values():
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            reasons.append(f"drift of {found[0].words}{more}")
    return reasons
