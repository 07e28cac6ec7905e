"""A project of a million images and twenty million scores, as the store keeps them.

Part of `python -m imgassets_tests.benchmarks.scale`. Requests, image keys, records and scores are
those that imgassets makes and reads; what no model made are the pixels, which are one image for
all, and the values of the scores, which are drawn. Ten endpoints are alike, and each has two models
with 50,000 images.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from imgassets.documents.project import Project
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.scoring import asked_of, tasks_of
from imgassets.refresh.extra_seeds import requests_of
from imgassets.requests import Request
from imgassets.storage.image_store import Record, store_of
from imgassets.storage.known_records import KnownRecords
from imgassets.storage.object_place import place_at
from imgassets.storage.project_home import home_of
from imgassets.storage.score_store import KeptScores, ScoreStore
from imgassets_tests.conftest import edit_file, write_project

ENDPOINTS, PROMPTS, SEEDS = 10, 2_500, 20
_AT_ONCE = 5_000


def write_million(root: Path, endpoints: int = ENDPOINTS, prompts: int = PROMPTS) -> None:
    """Documents: each endpoint has seeds of its own, so it has images of its own."""
    write_project(root)
    contracts = root / "contracts" / "endpoints"
    text = (contracts / "cards.yaml").read_text()
    (contracts / "cards.yaml").unlink()
    for number in range(endpoints):
        file = contracts / f"cards-{number}.yaml"
        seeds = list(range(SEEDS * number, SEEDS * (number + 1)))
        file.write_text(text.replace("endpoint: cards", f"endpoint: cards-{number}"))
        edit_file(file, "seeds: [5, 6]", f"seeds: {seeds}")
        edit_file(file, "[generate, edit, upscale]", "[generate]")
        edit_file(file, "flow: upscale", "flow: generate")
    shown = [
        f"  - id: p{n}\n    prompt: a large red circle, number {n}\n"
        "    expect: {include: [{class: circle, color: red}], text: HI}\n"
        for n in range(prompts)
    ]
    (root / "prompts" / "few.yaml").write_text("prompt_set: few\nprompts:\n" + "".join(shown))


def one_image() -> tuple[bytes, str]:
    """The image that stands for all of them, and its hash."""
    levels = np.full((96, 96, 3), 255, np.uint8)
    levels[24:72, 24:72] = (220, 30, 30)
    data = io.BytesIO()
    Image.fromarray(levels).save(data, "PNG")
    return data.getvalue(), hashlib.sha256(data.getvalue()).hexdigest()


def packed(request: Request, sha256: str, seconds: float) -> bytes:
    """An image's record as the store keeps it."""
    record = Record(
        request.image_key, request.inputs, sha256, 96, 96, "RGB", "2026-11-27T12:00:00+00:00",
        seconds=seconds, peak_memory_mib=500.0, batch_size=4,
    )  # fmt: skip
    return json.dumps({"blob": sha256, "record": json.dumps(vars(record))}).encode()


def fill_records(project: Project, known: KnownRecords) -> int:
    """Note the records of all images as known on this machine; returns how many."""
    (_, sha256), count = one_image(), 0
    for branch in project.branches():
        asked = requests_of(project, *branch, "cpu")
        for start in range(0, len(asked), _AT_ONCE):
            part = asked[start : start + _AT_ONCE]
            known.keep({r.image_key: packed(r, sha256, 0.1) for r in part})
        count += len(asked)
    return count


def fill_scores(project: Project, endpoint: str, scores: ScoreStore) -> int:
    """Scores of all images of an endpoint by all its families; returns how many."""
    _, sha256 = one_image()
    count = 0
    for model in project.endpoint(endpoint).models:
        for rows in _scored(project, endpoint, model, sha256):
            scores.put(rows, {})
            count += sum(len(row.found) for row in rows)
    return count


def _scored(project: Project, endpoint: str, model: str, sha256: str) -> Iterator[list[KeptScores]]:
    branch = Branch(project, endpoint, model, None, store_of(home_of(project.root)))  # type: ignore[arg-type]
    names = [f for f in project.endpoint(endpoint).families if not FAMILIES[f].of_making]
    images = [_Row(r) for r in requests_of(project, endpoint, model, "cpu")]
    chance = random.Random(model)
    rows: list[KeptScores] = []
    for task in tasks_of(names, branch, images):
        for family, key in task.keys.items():
            metrics = asked_of(FAMILIES[family], branch, task.image)
            found = tuple((m, *drawn(m, chance)) for m in metrics)
            rows.append(KeptScores(key, task.image.image_key, sha256, found))
        if len(rows) >= _AT_ONCE:
            yield rows
            rows = []
    yield rows


def drawn(metric: str, chance: random.Random) -> tuple[float, str, str]:
    """(value, reason, failure mode): nine of ten are well."""
    if metric == "artefacts.clean":
        return 1.0, "", ""
    return float(chance.random() < 0.9), "found 1 red circle, wanted 1", ""


class _Row(SimpleNamespace):
    """A request as a row of an image table."""

    def __init__(self, request: Request) -> None:
        super().__init__(
            status="ok", flow=request.flow, prompt_id=request.prompt_id,
            image_key=request.image_key, source_key=request.source_key,
        )  # fmt: skip

    def _asdict(self) -> dict[str, Any]:
        return vars(self)


def fill(root: Path, url: str) -> None:
    """The bucket as it is beside the images: its mark and the one image of all."""
    png, sha256 = one_image()
    place = place_at(url)
    place.write("state/store.json", b"{}")
    place.write(f"blobs/{sha256[:2]}/{sha256}.png", png)
    store_of(home_of(root)).seem_intact(["0" * 64])  # this machine knows the store from now on
