"""Images by workflows of ComfyUI: filled in, queued at a server, and fetched.

docs/comfyui.md says what becomes of each failure.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from imgassets.backends.base import BackendError, DocumentFault, HostedError, MachineFault, Outcome
from imgassets.backends.blame import failed
from imgassets.backends.comfyui_server import ComfyServer, Finished
from imgassets.backends.hosted_http import api_key
from imgassets.backends.hosted_image import decode, png_at
from imgassets.backends.hosted_messages import scrub
from imgassets.backends.hosted_replies import at
from imgassets.documents.comfyui import ComfyModel, Workflow, WorkflowInputs
from imgassets.documents.failures import ModeName
from imgassets.documents.workflow import (
    Nodes,
    WorkflowError,
    model_files,
    output_problem,
    place_problem,
    read_workflow,
    split_place,
)
from imgassets.flows import FLOWS, FlowName
from imgassets.images.masks import region_mask

#: Waits before a request that was answered from the server's memory is sent again.
_FORGETTING = (0.5, 2.0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Ready:
    """A workflow that was read, and its table."""

    nodes: Nodes
    inputs: WorkflowInputs
    output: str | None

    def filled(self, values: dict[str, Any]) -> Nodes:
        """The nodes with a request's values where the table says."""
        nodes = copy.deepcopy(self.nodes)
        for name, place in self.inputs.places():
            node, field = split_place(place)
            nodes[node]["inputs"][field] = values[name]
        return nodes


class ComfyBackend:
    """One model document; see `base.Backend`."""

    def __init__(self, root: Path, model: ComfyModel) -> None:
        """Read the workflows and look at the server.

        Raises:
            BackendError: a workflow is not usable, or the server is not what the document declares.
        """
        self._model, self._where = model, f"contracts/models/{model.model}.yaml"
        self._flows = {name: self._read(root, name, how) for name, how in _workflows(model)}
        secret = api_key(model.token.environment) if model.token else ""
        header = _header(model.token.header, secret) if model.token else None
        self._server = ComfyServer(model.base_url, model.timeout_seconds, header, secret)
        self._made_with = self._checked()

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """Text to image; see `Backend`."""
        return self._all("generate", inputs, [None] * len(inputs))

    def stylize(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Image to image; see `Backend`."""
        return self._all("stylize", inputs, sources)

    def edit(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Inpainting; see `Backend`."""
        return self._all("edit", inputs, sources)

    # ---- opening ---------------------------------------------------------------------------

    def _read(self, root: Path, flow: FlowName, how: Any) -> _Ready:
        above = "" if FLOWS[flow].source is None else f"{flow}."
        try:
            nodes = read_workflow(root / how.workflow)
        except WorkflowError as error:
            raise BackendError(f"{self._where}: {above}workflow: {error}") from error
        tried = [(f"inputs.{n}", place_problem(nodes, n, p)) for n, p in how.inputs.places()]
        for field, problem in (*tried, ("output", output_problem(nodes, how.output))):
            if problem:
                raise BackendError(f"{self._where}: {above}{field}: {problem[0]}; {problem[1]}")
        return _Ready(nodes, how.inputs, how.output)

    def _checked(self) -> dict[str, Any]:
        """What answers there, held against the document; as an image's `made_with`."""
        try:
            found = self._server.system()
            self._check_version(found)
            self._check_classes()
            nodes = self._check_nodes()
        except HostedError as error:
            raise BackendError(
                f"{self._where}: base_url: no ComfyUI answers at {self._server.url} "
                f"({error.mode}: {error.message}); start it there, or correct base_url"
            ) from error
        told = {n: at(found, "system", n) for n in ("comfyui_version", "pytorch_version")}
        return {"server": "ComfyUI", **told, "device": at(found, "devices", 0, "name"), **nodes}

    def _check_version(self, found: dict[str, Any]) -> None:
        declared = self._model.comfyui_version
        runs = at(found, "system", "comfyui_version")
        if not isinstance(runs, str):
            raise BackendError(
                f"{self._where}: comfyui_version: the server tells no version; update ComfyUI"
            )
        if runs.removeprefix("v") != declared.removeprefix("v"):
            raise BackendError(
                f"{self._where}: comfyui_version: {declared} is declared, and {self._server.url} "
                f"runs {runs}; install {declared} there, or declare {runs}, which makes all images "
                "anew"
            )

    def _check_classes(self) -> None:
        places = {
            node["class_type"]: (flow, name)
            for flow, ready in self._flows.items()
            for name, node in ready.nodes.items()
        }
        absent = [kind for kind in places if not self._server.has_class(kind)]
        if absent:
            flow, node = places[absent[0]]
            above = "" if FLOWS[flow].source is None else f"{flow}."
            raise BackendError(
                f"{self._where}: {above}workflow: the server has no nodes of class "
                f"{', '.join(absent)} (node {node}); install the custom nodes that bring them"
            )

    def _check_nodes(self) -> dict[str, Any]:
        declared = self._model.node_versions
        if not declared:
            return {}
        installed = self._server.node_versions()
        if installed is None:
            _log.warning("%s: no ComfyUI-Manager tells node_versions", self._where)
            return {"node_versions": "declared; no ComfyUI-Manager there to ask"}
        for name, version in declared.items():
            runs = installed.get(name.lower())
            if runs is None or runs.removeprefix("v") != version.removeprefix("v"):
                raise BackendError(
                    f"{self._where}: node_versions.{name}: {version} is declared, and the server "
                    f"has {runs or 'none'}; install {version} there, or declare what it has"
                )
        return {"node_versions": dict(declared)}

    # ---- one image -------------------------------------------------------------------------

    def _all(
        self,
        flow: FlowName,
        inputs: Sequence[dict[str, Any]],
        sources: Sequence[Image.Image | None],
    ) -> list[Outcome]:
        with ThreadPoolExecutor(self._model.max_in_flight) as pool:
            return list(pool.map(partial(self._one, flow), inputs, sources))

    def _one(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Outcome:
        try:
            return self._made(flow, inputs, source)
        except HostedError as error:
            return Outcome(failure=error.mode, message=error.message)
        except Exception as error:
            return failed(error)

    def _made(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Outcome:
        ready = self._flows.get(flow)
        if ready is None:
            raise DocumentFault(f"{self._where}: no `{flow}`; add it, with a workflow of its own")
        nodes = ready.filled(self._values(ready, inputs, source))
        start = time.perf_counter()
        finished, file = self._run(ready, nodes)
        seconds = _seconds(finished) or time.perf_counter() - start
        image = decode(self._server.view(file))
        width, height = inputs["size"]
        if image.size != (width, height):
            message = f"{image.width}x{image.height} came, not {width}x{height}"
            raise HostedError("wrong_size", message, billed=False)
        made_with = {**self._made_with, "models": model_files(nodes)}
        return Outcome(image, seconds=seconds, made_with=made_with)

    def _values(
        self, ready: _Ready, inputs: dict[str, Any], source: Image.Image | None
    ) -> dict[str, Any]:
        """What a request fills in, by name; sources and masks are uploaded."""
        (width, height), table = inputs["size"], ready.inputs
        if inputs["negative_prompt"] and table.negative_prompt is None:
            raise DocumentFault(
                f"{self._where}: inputs has no negative_prompt, and the prompt has one; name the "
                "node's input that takes it"
            )
        values = {name: inputs[name] for name in ("prompt", "negative_prompt", "seed")}
        values |= {"width": width, "height": height}
        if source is not None:
            values["source_image"] = self._server.upload(png_at(source, (width, height)))
        if "region" in inputs:
            mask = region_mask(inputs["region"], (width, height))
            values["mask"] = self._server.upload(png_at(mask, (width, height)))
        return values

    def _run(self, ready: _Ready, nodes: Nodes) -> tuple[Finished, dict[str, Any]]:
        """A run that really ran: a server repeats what it remembers, in no time at all."""
        for wait in (*_FORGETTING, None):
            finished = self._server.run(nodes, self._model.timeout_seconds)
            _raise_failure(finished)
            node, file = _saved(finished, ready.output)
            cached = finished.said("execution_cached") or {}
            if node not in (cached.get("nodes") or ()):
                return finished, file
            if wait is not None:
                self._server.forget_cached()
                time.sleep(wait)
        raise MachineFault("the server repeats an image from its cache, though told to forget it")


def _workflows(model: ComfyModel) -> Iterator[tuple[FlowName, Workflow]]:
    yield "generate", model
    if model.stylize:
        yield "stylize", model.stylize
    if model.edit:
        yield "edit", model.edit


def _header(name: str, secret: str) -> tuple[str, str]:
    return name, f"Bearer {secret}" if name.lower() == "authorization" else secret


def _raise_failure(finished: Finished) -> None:
    error = finished.said("execution_error")
    if error is not None:
        told = (error.get("exception_type"), error.get("exception_message"))
        words = ": ".join(str(word).strip() for word in told if word)
        where = f"node {error.get('node_id')} ({error.get('node_type')})"
        raise HostedError(_mode(words), scrub(f"{where}: {words}", ""), billed=False)
    if finished.said("execution_interrupted") is not None:
        raise MachineFault("somebody interrupted the request at the server")


def _mode(words: str) -> ModeName:
    """The failure mode of a node's error: the model's own, but for memory and broken devices."""
    if "outofmemory" in words.lower():
        return "out_of_memory"
    mode = failed(RuntimeError(words)).failure
    return mode if mode in ("out_of_memory", "machine_error") else "backend_error"


def _saved(finished: Finished, output: str | None) -> tuple[str, dict[str, Any]]:
    """The node that saved the one image, and the image's file; drafts count where nothing else."""
    found = {node: _images(out) for node, out in finished.outputs.items()}
    found = {node: files for node, files in found.items() if files and output in (None, node)}
    kept = {n: f for n, f in found.items() if any(x.get("type") == "output" for x in f)} or found
    if not kept:
        words = f"node {output} saved no image" if output else "no node saved an image"
        raise HostedError("backend_error", words, billed=False)
    if len(kept) > 1:
        raise DocumentFault(
            f"nodes {', '.join(kept)} of the workflow save images; name one in `output`"
        )
    ((node, files),) = kept.items()
    if len(files) > 1:
        raise DocumentFault(
            f"node {node} saved {len(files)} images; a request is one: set batch_size to 1 in the "
            "workflow"
        )
    return node, files[0]


def _images(out: Any) -> list[dict[str, Any]]:
    images = out.get("images") if isinstance(out, dict) else None
    return [i for i in images or () if isinstance(i, dict) and i.get("filename")]


def _seconds(finished: Finished) -> float:
    """From start to end as the server tells it, without the wait in the queue; 0: unknown."""
    ends = [finished.said(f"execution_{word}") or {} for word in ("start", "success")]
    start, end = (message.get("timestamp") for message in ends)
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return 0.0
    return max(0.0, (end - start) / 1000.0)
