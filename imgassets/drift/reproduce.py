"""The same image made again on demand, and whether it is the same.

Every run loads the model anew, so that nothing of the run before can help it.
"""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imgassets.backends.device import Device, choose_device, require_device
from imgassets.backends.registry import open_backend
from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Project
from imgassets.documents.prompts import Prompt
from imgassets.documents.seeds import MOST_HOSTED
from imgassets.drift.one_request import endpoint_of, requests_alone
from imgassets.drift.reproduction import Difference, Reproduction, ReproductionOptions, Run
from imgassets.flows import FIRST
from imgassets.images.encoding import encode_png
from imgassets.images.outputs import OutputFolder
from imgassets.metrics.formulas.reproducibility import compare
from imgassets.report.reproducibility import Repeat, comparison_page, comparison_picture
from imgassets.requests import Request
from imgassets.storage.project_home import ProjectHome

#: Drawn seeds are below this: every model takes them, and a contract may name them.
_DRAWN = MOST_HOSTED + 1


def reproduce(
    project: Project,
    options: ReproductionOptions,
    home: ProjectHome,
    out: Path | None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Reproduction:
    """Make an image again and again, compare, and show it.

    Args:
        project: valid documents.
        options: see `ReproductionOptions`.
        home: everything made by the project; results go there without `out`.
        out: folder for the images, the picture and the page.
        progress: called with (runs done, all) before the first run and after each.

    Raises:
        ValueError: nothing to compare, or a prompt or seed no contract would accept.
        LookupError: no such model, or no endpoint at all.
        RuntimeError: a device is missing, or the model made no image.
    """
    endpoint, model = endpoint_of(project, options.model)
    devices = _devices(options)
    _check(options, len(devices), endpoint, project.model(model).most_seed)
    made = [
        (device, _request(project, endpoint, model, options.prompt, device, _seed(options), run))
        for device in devices
        for run in range(options.runs)
    ]
    requests = [request for _, request in made]
    images = []
    progress(0, len(made))
    for device, request in made:
        images.append((request, *_made(project, model, device, request)))
        progress(len(images), len(made))
    folder = OutputFolder(out or home.reproduced(requests[0].image_key))
    return _shown(options, endpoint, model, images, folder)


def _chosen(options: ReproductionOptions, endpoint: Endpoint) -> str:
    width, height = endpoint.returns.size
    why = "as asked" if options.model else "the incumbent of the first endpoint"
    return f"{why}, {width} x {height} px as {endpoint.endpoint} returns"


def _devices(options: ReproductionOptions) -> list[Device]:
    devices = list(dict.fromkeys(choose_device(word)[0] for word in options.devices))
    for device in devices:
        require_device(device)
    return devices


def _check(options: ReproductionOptions, devices: int, endpoint: Endpoint, most_seed: int) -> None:
    if options.runs * devices < 2 or options.runs < 1:
        raise ValueError(f"--runs {options.runs}: nothing to compare; ask for 2 or more")
    most = endpoint.accepts.max_prompt_chars
    if not 1 <= len(options.prompt) <= most:
        raise ValueError(
            f"--prompt has {len(options.prompt)} characters; the contract of {endpoint.endpoint} "
            f"accepts 1 to {most}"
        )
    if options.seed is not None and not 0 <= options.seed <= most_seed:
        raise ValueError(f"--seed {options.seed}: seeds of this model are 0 to {most_seed}")


def _seed(options: ReproductionOptions) -> int:
    return secrets.randbelow(_DRAWN) if options.seed is None else options.seed


def _request(
    project: Project,
    endpoint: Endpoint,
    model: str,
    prompt: str,
    device: Device,
    seed: int,
    run: int,
) -> Request:
    """The request the endpoint would send, for one other prompt and seed.

    Of a hosted model each run is another replicate: the same one is never asked for twice.
    """
    asked = Prompt(id="asked", prompt=prompt)
    (request,) = requests_alone(project, endpoint, model, asked, seed, device, (FIRST,))
    if project.model(model).once_only:
        return replace(request, inputs=request.inputs | {"replicate": run})
    return request


def _made(
    project: Project, model: str, device: Device, request: Request
) -> tuple[Image.Image, float]:
    backend = open_backend(project.root, project.model(model), device)
    (outcome,) = backend.generate([request.inputs])
    if outcome.image is None:
        raise RuntimeError(f"{model} made no image on {device}: {outcome.failure}: "
                           f"{outcome.message}")  # fmt: skip
    return outcome.image, outcome.seconds or 0.0


def _shown(
    options: ReproductionOptions,
    endpoint: Endpoint,
    model: str,
    images: Sequence[tuple[Request, Image.Image, float]],
    folder: OutputFolder,
) -> Reproduction:
    runs = tuple(
        Run(
            number,
            request.inputs.get("device", "the provider's"),
            request.seed,
            round(seconds, 3),
            hashlib.sha256(image.tobytes()).hexdigest(),
            str(folder.put(f"run-{number}", encode_png(image))),
        )
        for number, (request, image, seconds) in enumerate(images, start=1)
    )
    pictures = [image.convert("RGB") for _, image, _ in images]
    differences = tuple(_differences(pictures))
    advice, pin = _advice(options, runs, all(d.same for d in differences))
    picture = encode_png(comparison_picture(list(_repeats(pictures, runs))))
    found = Reproduction(
        model,
        endpoint.endpoint,
        _chosen(options, endpoint),
        options.prompt,
        options.seed,
        all(d.same for d in differences),
        runs,
        differences,
        advice,
        pin,
        str(folder.put("comparison", picture)),
        "",
    )
    page = comparison_page(picture, _facts(found), _sentences(found)).encode()
    return replace(found, page=str(folder.put("comparison", page, ".html")))


def _differences(pictures: Sequence[Image.Image]) -> Iterator[Difference]:
    first = np.asarray(pictures[0])
    for number, picture in enumerate(pictures[1:], start=2):
        other = np.asarray(picture)
        found = compare(other, first)
        share = float((other != first).any(axis=2).mean()) if found.same_size else 1.0
        yield Difference(
            number,
            found.identical,
            share,
            found.max_difference,
            found.psnr,
            found.ssim,
            found.bits,
        )


def _repeats(pictures: Sequence[Image.Image], runs: Sequence[Run]) -> Iterator[Repeat]:
    captions = [f"run {r.run}: {r.device}, seed {r.seed}" for r in runs]
    for picture, caption in zip(pictures[1:], captions[1:], strict=True):
        yield Repeat(pictures[0], picture, (captions[0], caption))


def _advice(
    options: ReproductionOptions, runs: Sequence[Run], same: bool
) -> tuple[str, str | None]:
    """What to make of it, and the command that pins the first run's seed where none was given."""
    if options.seed is None:
        command = [
            "imgassets", "reproduce", "--prompt", options.prompt, "--seed", str(runs[0].seed)
        ]  # fmt: skip
        command += ["--model", options.model] if options.model else []
        return (
            "No seed was given, so each run drew its own: without a note of it, an image cannot "
            "be made again. Pin the first one's:",
            shlex.join(command),
        )
    if same:
        return "", None
    if len({r.device for r in runs}) > 1:
        return (
            "The seed fixes the starting noise, not the arithmetic: devices round differently. "
            "Compare on one device, or by a tolerance (docs/metrics/reproducibility.md).",
            None,
        )
    return (
        "The seed was pinned and the image still changed: this model does not repeat here. Its "
        "comparisons need replicates (sampling.replicates in the contract).",
        None,
    )


def _facts(found: Reproduction) -> dict[str, Any]:
    seeds = ", ".join(dict.fromkeys(str(r.seed) for r in found.runs))
    return {
        "Prompt": found.prompt,
        "Model": f"{found.model} ({found.chosen})",
        "Seed": seeds + ("" if found.seed is not None else " (drawn)"),
        "Device": ", ".join(dict.fromkeys(r.device for r in found.runs)),
    }


def _sentences(found: Reproduction) -> list[str]:
    last = " ".join(filter(None, (found.advice, found.pin)))
    return [found.heading, *map(str, found.differences), *([last] if last else [])]
