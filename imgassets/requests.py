"""The hinge of the house: one row, one image to make, with every input that can change a pixel.

The SHA-256 of a request's canonical form is its **image key**. Same key, same image: that rule
alone gives caching, resuming after a crash, "only the affected lineage", drift detection and
provenance. Endpoint, prompt id and the like are *not* part of the key: two endpoints that ask a
model for the same picture share it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import pandas as pd

from imgassets.spec.base import canonical_json, fingerprint
from imgassets.spec.contract import Endpoint
from imgassets.spec.metrics import Flow
from imgassets.spec.model import Model
from imgassets.spec.project import Project
from imgassets.spec.prompts import Prompt, PromptSet
from imgassets.spec.weights import folder_fingerprint, weights_folder

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
    flow: Flow
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
                row.endpoint,
                row.model,
                row.flow,
                row.prompt_set,
                row.prompt_id,
                int(row.seed),
                int(row.replicate),
                json.loads(row.request),
            )
            for row in cast("Iterable[Any]", table.itertuples())
        ]


def library_versions() -> dict[str, str]:
    """Versions of the libraries that can change a pixel, without importing them."""

    def installed(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "absent"

    return {name: installed(name) for name in PIXEL_LIBRARIES}


def build_requests(
    project: Project, endpoint: str, model: str, device: str, more_seeds: Sequence[int] = ()
) -> list[Request]:
    """All requests of one branch, ordered by flow, prompt, seed and replicate.

    Args:
        project: the loaded documents.
        endpoint: name of a valid endpoint contract.
        model: name of a valid model.
        device: device class the images are made on: `cpu`, `cuda` or `mps`.
        more_seeds: asked for after the contract's own.

    Raises:
        FileNotFoundError: a weights folder is missing.
    """
    contract = project.endpoint(endpoint)
    builder = _Branch(
        contract,
        project.model(model),
        _environment(device),
        generator=_generator_facts(project.root, project.model(model)),
        upscaler=_upscaler_facts(project.root, project.model(model)),
        seeds=tuple(dict.fromkeys((*contract.sampling.seeds, *more_seeds))),
    )
    sets = project.prompts_of(contract)
    return [
        request
        for flow in ("generate", "edit", "upscale")
        if flow in contract.flows
        for prompt_set in sets
        for prompt in prompt_set.prompts
        for request in builder.requests(flow, prompt_set, prompt)
    ]


def request_table(requests: list[Request]) -> pd.DataFrame:
    """Requests as a table, one row an image."""
    columns = list(Request("", "", "generate", "", "", 0, 0, {}).row())
    return pd.DataFrame([r.row() for r in requests], columns=columns)


def requests_version(requests: Iterable[Request]) -> str:
    """SHA-256 of which images a table of requests asks for, for whom, in which order."""
    rows = [[r.prompt_id, r.seed, r.replicate, r.image_key] for r in requests]
    return fingerprint(rows)


def environment_words(device: str) -> str:
    """The device class and the libraries that can change a pixel, in words."""
    libraries = ", ".join(f"{name} {v}" for name, v in library_versions().items())
    return f"{device}, {libraries}"


def _environment(device: str) -> dict[str, Any]:
    return {"device": device, "libraries": library_versions()}


def _generator_facts(root: Path, model: Model) -> dict[str, Any]:
    """What makes the pixels of a model, with the weights replaced by the hash of their content."""
    return {
        "backend": model.backend,
        "weights": folder_fingerprint(weights_folder(root, model.weights)),
        "dtype": model.dtype,
        "scheduler": model.scheduler.model_dump(mode="json", by_alias=True),
        "batch_size": model.batch_size,
    }


def _upscaler_facts(root: Path, model: Model) -> dict[str, Any] | None:
    if model.upscaler is None:
        return None
    facts = model.upscaler.model_dump(mode="json")
    if model.upscaler.weights:
        facts["weights"] = folder_fingerprint(weights_folder(root, model.upscaler.weights))
    return facts


@dataclass(frozen=True)
class _Branch:
    """Builds the requests of one endpoint and model."""

    contract: Endpoint
    model: Model
    environment: dict[str, Any]
    generator: dict[str, Any]
    upscaler: dict[str, Any] | None
    seeds: tuple[int, ...]
    _source_keys: dict[tuple[str, str, int, int], str] = field(default_factory=dict)

    def requests(self, flow: Flow, prompt_set: PromptSet, prompt: Prompt) -> Iterator[Request]:
        if flow == "edit" and prompt.edit is None:
            return
        for seed in self.seeds:
            for replicate in range(self.contract.sampling.replicates):
                yield self._request(flow, prompt_set, prompt, seed, replicate)

    def _request(
        self, flow: Flow, prompt_set: PromptSet, prompt: Prompt, seed: int, replicate: int
    ) -> Request:
        match flow:
            case "generate":
                inputs = self._generate_inputs(prompt_set, prompt, seed, replicate)
            case "edit":
                source = self._source_key(prompt_set, prompt, seed, replicate)
                inputs = self._edit_inputs(prompt_set, prompt, seed, source)
            case "upscale":
                inputs = self._upscale_inputs(self._source_key(prompt_set, prompt, seed, replicate))
        return Request(
            self.contract.endpoint,
            self.model.model,
            flow,
            prompt_set.prompt_set,
            prompt.id,
            seed,
            replicate,
            inputs,
        )

    def _source_key(self, prompt_set: PromptSet, prompt: Prompt, seed: int, replicate: int) -> str:
        """Key of the generated image; edits and upscales share it, so it is hashed once."""
        what = (prompt_set.prompt_set, prompt.id, seed, replicate)
        if what not in self._source_keys:
            inputs = self._generate_inputs(prompt_set, prompt, seed, replicate)
            self._source_keys[what] = fingerprint(inputs)
        return self._source_keys[what]

    def _generate_inputs(
        self, prompt_set: PromptSet, prompt: Prompt, seed: int, replicate: int
    ) -> dict[str, Any]:
        text, negative = prompt_set.transformed(prompt.prompt)
        return {
            "flow": "generate",
            **self.environment,
            "generator": self.generator,
            "pipeline": self.model.pipeline,
            "sampling": self.model.sampling.model_dump(mode="json"),
            "prompt": text,
            "negative_prompt": negative,
            "size": list(self.contract.returns.size),
            "seed": seed,
            "replicate": replicate,
        }

    def _edit_inputs(
        self, prompt_set: PromptSet, prompt: Prompt, seed: int, source: str
    ) -> dict[str, Any]:
        if prompt.edit is None or self.model.edit is None:
            raise ValueError(f"{prompt.id} has no edit, or {self.model.model} cannot edit")
        text, negative = prompt_set.transformed(prompt.edit.prompt)
        return {
            "flow": "edit",
            **self.environment,
            "generator": self.generator,
            "sampling": self.model.edit.model_dump(mode="json")
            | {"max_sequence_length": self.model.sampling.max_sequence_length},
            "prompt": text,
            "negative_prompt": negative,
            "size": list(self.contract.returns.size),
            "region": list(prompt.edit.region),
            "seed": seed,
            "source": source,
        }

    def _upscale_inputs(self, source: str) -> dict[str, Any]:
        return {
            "flow": "upscale",
            **self.environment,
            "upscaler": self.upscaler,
            "source": source,
        }
