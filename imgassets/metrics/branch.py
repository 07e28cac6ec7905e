"""The images of one endpoint and model, and what the documents say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from imgassets.documents.contract import Endpoint, Returns
from imgassets.documents.facets import expected
from imgassets.documents.image_key import installed_version
from imgassets.documents.judge import AnyJudge, judge_fingerprint
from imgassets.documents.models import AnyModel
from imgassets.documents.price import Price
from imgassets.documents.project import Project
from imgassets.documents.prompts import Expectation
from imgassets.documents.upscaler import Tiles, seam_tiles
from imgassets.judges.registry import open_judge
from imgassets.metrics.family import Scorer
from imgassets.metrics.scores import Score
from imgassets.storage.image_store import CorruptEntryError

if TYPE_CHECKING:  # a plan asks what scores depend on, and reads no table
    import pandas as pd


class Images(Protocol):
    """Where images are read from, by image key: the store, or a store with a fault planted."""

    def read_bytes(self, key: str) -> bytes:
        """The stored file."""

    def read_array(self, key: str) -> np.ndarray:
        """The pixels: uint8, (H, W, 3), sRGB."""


@dataclass(frozen=True)
class Branch:
    """What a metric family may ask of a project; each takes what it needs.

    Attributes:
        project: its documents.
        endpoint, model: names.
        images: image tables of the flows the family looks at.
        stored: the images themselves; read from several processes.
        device: where learned judges run: `cpu`, `cuda`, ...
    """

    project: Project
    endpoint: str
    model: str
    images: pd.DataFrame
    stored: Images
    device: str = "cpu"

    @cached_property
    def judges(self) -> Mapping[str, AnyJudge]:
        """The judge of each metric family that has one."""
        used = self._contract.judges_used
        return {family: self.project.judge(name) for family, name in used.items()}

    def judge_document(self, family: str) -> AnyJudge | None:
        """The judge that the contract chose for a family; None where none is needed."""
        return self.judges.get(family)

    def judge_version(self, family: str) -> str:
        """What a judge's scores depend on: fingerprint, software, where a learned one runs."""
        document = self.judge_document(family)
        if document is None:
            return ""
        where = f" on {document.runs_on(self.device)}" if document.learned else ""
        software = ", ".join(f"{name} {installed_version(name)}" for name in document.libraries)
        return f"{judge_fingerprint(self.project.root, document)}{where} {software}".strip()

    def judge(self, family: str) -> Any:
        """That judge, ready to look at images.

        Raises:
            JudgeError: it cannot be loaded.
            LookupError: no judge was chosen.
        """
        document = self.judge_document(family)
        if document is None:
            raise LookupError(f"no judge of {family} at endpoint {self.endpoint}")
        return open_judge(self.project.root, document, self.device)

    def read_bytes(self, key: str) -> bytes:
        """The stored file of a key; only a file shows all faults of its encoding."""
        return self.stored.read_bytes(key)

    def read_array(self, key: str) -> np.ndarray:
        """The image of a key: uint8, (H, W, 3), sRGB."""
        return self.stored.read_array(key)

    @cached_property
    def expectations(self) -> Mapping[tuple[str, str], Expectation]:
        """What each image must show, by (flow, prompt id)."""
        return self.project.expectations(self._contract)

    def file_of(self, key: str) -> str:
        """SHA-256 of a stored image's file, such as a source's; empty where it is not known."""
        record = getattr(self.stored, "record", None)
        try:
            return record(key).image_sha256 if record else ""
        except (KeyError, CorruptEntryError):
            return ""

    def expected(self, family: str, image: Any) -> Any:
        """What an image's expectation says to a family, as JSON values; None without one."""
        place = (family, image.flow, image.prompt_id)
        if place not in self._expected:
            wanted = self.expectations.get(place[1:])
            self._expected[place] = None if wanted is None else expected(wanted, family)
        return self._expected[place]

    @cached_property
    def _expected(self) -> dict[tuple[str, str, str], Any]:
        return {}

    @cached_property
    def prompts(self) -> Mapping[tuple[str, str], str]:
        """What each image was asked for, before any transform, by (flow, prompt id)."""
        asked = self.project.asked(self._contract)
        return {place: asks.prompt for place, asks in asked.items()}

    @cached_property
    def returned(self) -> Mapping[str, Returns]:
        """What an image of each flow must be like."""
        return {flow: self._contract.returned(flow, self.scale) for flow in self._contract.flows}

    @cached_property
    def regions(self) -> Mapping[str, Sequence[float]]:
        """The masked box of each prompt with an edit, in fractions of width and height."""
        prompts = [p for s in self.project.prompts_of(self._contract) for p in s.prompts]
        return {p.id: p.edit.region for p in prompts if p.edit}

    @property
    def scale(self) -> int:
        """How many times larger an upscaled image is; 1 without an upscaler."""
        upscaler = self._model.upscaler
        return upscaler.scale if upscaler else 1

    @property
    def tiles(self) -> Tiles | None:
        """The upscaler's windows in pixels of the large image; None: it has none."""
        return seam_tiles(self._model.upscaler)

    @property
    def price(self) -> Price:
        """What an image costs."""
        return self._model.price

    @property
    def _contract(self) -> Endpoint:
        return self.project.endpoint(self.endpoint)

    @property
    def _model(self) -> AnyModel:
        return self.project.model(self.model)


def against_expectations(
    branch: Branch, score: Callable[[np.ndarray, Expectation], list[Score]]
) -> Scorer:
    """Scores each image of a branch by what it must show."""
    return lambda image: score(
        branch.read_array(image.image_key), branch.expectations[image.flow, image.prompt_id]
    )
