"""The hinge of the house: one row, one image to make, with every input that can change a pixel.

The SHA-256 of a request's canonical form is its **image key**. Same key, same image: that rule
alone gives caching, resuming after a crash, "only the affected lineage", drift detection and
provenance. Endpoint, prompt id and the like are *not* part of the key: two endpoints that ask a
model for the same picture share it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from imgassets.documents.base import Document, canonical_json, fingerprint
from imgassets.documents.contract import Endpoint
from imgassets.documents.field_facets import pixel_facts
from imgassets.documents.folder import FolderModel
from imgassets.documents.image_folder import ImageFolder, Place, folder_of
from imgassets.documents.image_key import (
    flow_facts,
    generator_facts,
    installed_version,
    step_facts,
    upscaler_facts,
)
from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel, upscales_by_api
from imgassets.documents.project import Project
from imgassets.documents.prompts import Prompt, PromptSet
from imgassets.documents.upscaler import PROMPTED, SdUpscale
from imgassets.flows import FIRST, FLOWS, FlowName, MadeBy

if TYPE_CHECKING:  # planning does without pandas
    import pandas as pd

#: Libraries whose version can change a pixel.
PIXEL_LIBRARIES = ("torch", "diffusers", "transformers")


@dataclass(frozen=True)
class Request:
    """One image to make.

    Attributes:
        endpoint, model, flow, prompt_set, prompt_id, seed, replicate: who asks, and for what.
        inputs: everything that can change a pixel, as JSON values; hashed into `image_key`.
    """

    endpoint: str
    model: str
    flow: FlowName
    prompt_set: str
    prompt_id: str
    seed: int
    replicate: int
    inputs: dict[str, Any]

    @cached_property
    def image_key(self) -> str:
        """64 hex digits: SHA-256 of the canonical JSON of `inputs`."""
        return fingerprint(self.inputs)

    @property
    def source_key(self) -> str | None:
        """Image key of the image this one starts from; None for generated images."""
        return self.inputs.get("source")

    def row(self) -> dict[str, Any]:
        """The request as a table row; `request` holds the canonical JSON of its inputs."""
        return {
            "endpoint": self.endpoint,
            "model": self.model,
            "flow": self.flow,
            "prompt_set": self.prompt_set,
            "prompt_id": self.prompt_id,
            "seed": self.seed,
            "replicate": self.replicate,
            "image_key": self.image_key,
            "request": canonical_json(self.inputs),
        }

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> list[Request]:
        """The requests of a table made by `request_table`."""
        return [
            cls(
                *(row.endpoint, row.model, row.flow, row.prompt_set, row.prompt_id),
                *(int(row.seed), int(row.replicate), json.loads(row.request)),
            )
            for row in cast("Iterable[Any]", table.itertuples())
        ]


def library_versions() -> dict[str, str]:
    """Versions of the libraries that can change a pixel, without importing them."""
    return {name: installed_version(name) for name in PIXEL_LIBRARIES}


def build_requests(
    project: Project, endpoint: str, model: str, device: str, extra_seeds: Sequence[int] = ()
) -> list[Request]:
    """All requests of one branch, ordered by flow, prompt, seed and replicate.

    Args:
        project: the loaded documents.
        endpoint: name of a valid endpoint contract.
        model: name of a valid model.
        device: device class the images are made on: `cpu`, `cuda` or `mps`.
        extra_seeds: asked for after the contract's own.

    Raises:
        FileNotFoundError: a weights folder is missing.
    """
    contract = project.endpoint(endpoint)
    seeds = tuple(dict.fromkeys((*contract.sampling.seeds, *extra_seeds)))
    builder = _branch(project, contract, model, device, seeds)
    sets = project.prompts_of(contract)
    return [
        request
        for flow in FLOWS
        if flow in contract.flows
        for prompt_set in sets
        for prompt in prompt_set.prompts
        for request in builder.requests(flow, prompt_set, prompt)
    ]


#: Makes the request of a flow for one prompt of a set and a seed.
RequestMaker = Callable[[FlowName, PromptSet, Prompt, int], Request]


def request_maker(project: Project, contract: Endpoint, model: str, device: str) -> RequestMaker:
    """Requests one by one, as traffic asks for them. Raises as `build_requests`."""
    builder = _branch(project, contract, model, device, ())
    return lambda flow, prompt_set, prompt, seed: builder.one(flow, prompt_set, prompt, seed, 0)


def _branch(
    project: Project, contract: Endpoint, model: str, device: str, seeds: tuple[int, ...]
) -> _Branch:
    document = project.model(model)
    return _Branch(
        contract,
        document,
        _environment(device),
        root=project.root,
        generator=generator_facts(project.root, document),
        upscaler=upscaler_facts(project.root, document.upscaler),
        steps=step_facts(project.root, contract.postprocess),
        files=_files(project.root, document),
        seeds=seeds,
    )


def request_table(requests: list[Request]) -> pd.DataFrame:
    """Requests as a table, one row an image."""
    import pandas as pd

    columns = list(Request("", "", FIRST, "", "", 0, 0, {}).row())
    return pd.DataFrame([r.row() for r in requests], columns=columns)


def stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables with seeds below each other, and every seed as it was.

    pandas makes floats, which have 53 bits, of a column whose parts are int64 and uint64.
    """
    import pandas as pd

    parts = list(tables)
    if any(str(part["seed"].dtype) == "uint64" for part in parts):
        parts = [part.astype({"seed": "uint64"}) for part in parts]
    return pd.concat(parts, ignore_index=True)


def requests_version(requests: Iterable[Request]) -> str:
    """SHA-256 of which images a table of requests asks for, for whom, in which order."""
    rows = [[r.prompt_id, r.seed, r.replicate, r.image_key] for r in requests]
    return fingerprint(rows)


def _files(root: Path, model: AnyModel) -> ImageFolder | None:
    return folder_of(root, model) if isinstance(model, FolderModel) else None


def environment_words(device: str) -> str:
    """The device class and the libraries that can change a pixel, in words."""
    libraries = ", ".join(f"{name} {v}" for name, v in library_versions().items())
    return f"{device}, {libraries}"


def _environment(device: str) -> dict[str, Any]:
    return {"device": device, "libraries": library_versions()}


@dataclass(frozen=True)
class _Branch:
    """Builds the requests of one endpoint and model."""

    contract: Endpoint
    model: AnyModel
    environment: dict[str, Any]
    root: Path
    generator: dict[str, Any]
    upscaler: dict[str, Any] | None
    steps: list[dict[str, Any]]
    files: ImageFolder | None
    seeds: tuple[int, ...]
    _keys: dict[tuple[FlowName, str, str, int, int], str] = field(default_factory=dict)
    _samplings: dict[FlowName, dict[str, Any]] = field(default_factory=dict)

    def requests(self, flow: FlowName, prompt_set: PromptSet, prompt: Prompt) -> Iterator[Request]:
        if self.contract.edited(flow) and prompt.edit is None:
            return
        for seed in self.seeds:
            for replicate in range(self.contract.sampling.replicates):
                yield self.one(flow, prompt_set, prompt, seed, replicate)

    def one(
        self, flow: FlowName, prompt_set: PromptSet, prompt: Prompt, seed: int, replicate: int
    ) -> Request:
        return Request(
            self.contract.endpoint,
            self.model.model,
            flow,
            prompt_set.prompt_set,
            prompt.id,
            seed,
            replicate,
            self._inputs(flow, prompt_set, prompt, seed, replicate),
        )

    def _inputs(
        self, flow: FlowName, prompt_set: PromptSet, prompt: Prompt, seed: int, replicate: int
    ) -> dict[str, Any]:
        text, negative = self._text(flow, prompt_set, prompt)
        asked = {"prompt": text, "negative_prompt": negative, "seed": seed}
        source = self.contract.source_of(flow)
        if source is None:
            return self._first_inputs(flow, asked, replicate) | self._file(flow, prompt, asked)
        key = self._key(source, prompt_set, prompt, seed, replicate)
        match FLOWS[flow].made_by:
            case MadeBy.BACKEND:
                inputs = self._repaint_inputs(flow, prompt, asked, key)
                return inputs | self._file(flow, prompt, asked)
            case MadeBy.UPSCALER:
                return self._upscale_inputs(flow, asked, key)
            case MadeBy.STEPS:
                return self._steps_inputs(flow, key)

    def _text(self, flow: FlowName, prompt_set: PromptSet, prompt: Prompt) -> tuple[str, str]:
        """`(prompt, negative prompt)` of what an image of a flow shows."""
        edit = prompt.edit if self.contract.edited(flow) else None
        text, negative = prompt_set.transformed(edit.prompt if edit else prompt.prompt)
        restyled = any(FLOWS[step].restyles for step in self.contract.lineage(flow))
        if restyled and self.contract.stylize:
            return self.contract.stylize.transformed(text, negative)
        return text, negative

    def _key(
        self, flow: FlowName, prompt_set: PromptSet, prompt: Prompt, seed: int, replicate: int
    ) -> str:
        """Key of an image that others start from; they share it, so it is hashed once."""
        what = (flow, prompt_set.prompt_set, prompt.id, seed, replicate)
        if what not in self._keys:
            inputs = self._inputs(flow, prompt_set, prompt, seed, replicate)
            self._keys[what] = fingerprint(inputs)
        return self._keys[what]

    def _first_inputs(
        self, flow: FlowName, asked: dict[str, Any], replicate: int
    ) -> dict[str, Any]:
        return {
            "flow": flow,
            **self._sampled(flow),
            **asked,
            "size": list(self.contract.returns.size),
            "replicate": replicate,
        }

    def _file(self, flow: FlowName, prompt: Prompt, asked: dict[str, Any]) -> dict[str, Any]:
        """The image of a folder by its content; which prompt's it is where there is none."""
        if self.files is None:
            return {}
        content = self.files.sha256(Place(flow, prompt.id, asked["seed"]))
        missing = {} if content else {"prompt_id": prompt.id}
        return {"file_sha256": content, **missing}

    def _sampled(self, flow: FlowName) -> dict[str, Any]:
        """What samples an image of a flow; the same for all its requests, so it is read once."""
        if flow not in self._samplings:
            self._samplings[flow] = self._sampling(flow)
        return self._samplings[flow]

    def _sampling(self, flow: FlowName) -> dict[str, Any]:
        """See `_sampled`. Of models made elsewhere neither machine nor library counts."""
        model, first = self.model, FLOWS[flow].source is None
        if isinstance(model, FolderModel):
            return {"generator": self.generator}
        how: Document | None = getattr(model, FLOWS[flow].model_field or "", None)
        if not isinstance(model, Model):
            asked = {flow: flow_facts(self.root, how)} if how and not first else {}
            return {"generator": self.generator} | asked
        if how is None:
            raise ValueError(f"{model.model} cannot {flow}")
        made = {**self.environment, "generator": self.generator}
        if first:
            return made | {"pipeline": model.pipeline, "sampling": pixel_facts(how)}
        longest = {"max_sequence_length": model.sampling.max_sequence_length}
        return made | {"sampling": pixel_facts(how) | longest}

    def _repaint_inputs(
        self, flow: FlowName, prompt: Prompt, asked: dict[str, Any], source: str
    ) -> dict[str, Any]:
        edit = prompt.edit if FLOWS[flow].edits else None
        return {
            "flow": flow,
            **self._sampled(flow),
            **asked,
            "size": list(self.contract.returns.size),
            "source": source,
            **({"region": list(edit.region)} if edit else {}),
        }

    def _upscale_inputs(self, flow: FlowName, asked: dict[str, Any], source: str) -> dict[str, Any]:
        inputs = {
            "flow": flow,
            **({} if upscales_by_api(self.model) else self.environment),
            "upscaler": self.upscaler,
            "source": source,
        }
        if isinstance(self.model.upscaler, PROMPTED):
            inputs |= asked
        if isinstance(self.model, Model) and isinstance(self.model.upscaler, SdUpscale):
            sequence = self.model.sampling.max_sequence_length
            inputs |= {"generator": self.generator, "max_sequence_length": sequence}
        return inputs

    def _steps_inputs(self, flow: FlowName, source: str) -> dict[str, Any]:
        return {
            "flow": flow,
            "libraries": {"pillow": installed_version("pillow")},
            "steps": self.steps,
            "source": source,
        }
