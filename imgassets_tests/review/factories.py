"""A project that was validated, made up: drawn images in a real store, tables and a verdict."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from imgassets.decision import Measured, compare, decide
from imgassets.documents.contract import Endpoint
from imgassets.documents.project import load_project
from imgassets.metrics.families import METRICS
from imgassets.metrics.scores import ROW_COLUMNS
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome
from imgassets_tests.conftest import write_project

ENDPOINT = """\
endpoint: cards
accepts: {{max_prompt_chars: 90, sizes: [[96, 96]]}}
returns: {{size: [96, 96], mode: RGB, format: PNG}}
flows: [generate]
sampling: {{seeds: [5, 6]}}
prompt_sets: [few]
incumbent: prod
candidates: [fast]
criteria:
  - {{metric: composition.correct, margin: 0.1}}
  - {{metric: artefacts.clean, floor: 0.5}}
review:
  disagree: [{{metrics: [composition.correct, composition.background], max_rate: 0.2}}]
{more}"""
PROMPT = """\
  - id: p{number:03d}
    prompt: {prompt}
    expect: {{include: [{{class: circle, color: red}}, {{class: star}}], background: white}}
"""
#: Every so many prompts the candidate lacks an object.
WRONG_EVERY = 3
SEEDS = (5, 6)
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"> & </script>"


def key_of(model: str, prompt: int, seed: int) -> str:
    """Image key of a made-up image."""
    return hashlib.sha256(f"{model}/{prompt}/{seed}".encode()).hexdigest()


def draw(model: str, prompt: int, seed: int, side: int = 96) -> Image.Image:
    """A scene that depends on prompt and seed; the candidate's is a little off, or lacks a part."""
    rng = np.random.default_rng([prompt, seed])
    image = Image.new("RGB", (side, side), "white")
    pen, off = ImageDraw.Draw(image), 4 * (model == "fast")
    x, y = rng.integers(10, side // 2, 2).tolist()
    pen.ellipse([x + off, y, x + off + 30, y + 30], fill="red")
    if model == "prod" or prompt % WRONG_EVERY:
        pen.regular_polygon((side - x, side - y, 12), 5, fill="orange")
    return image


def write_reviewed(root: Path, prompts: int = 48, more: str = "") -> None:
    """Write project, images, tables and the verdict (a NO-GO) of `cards` and `fast`."""
    write_project(root)
    (root / "contracts/endpoints/cards.yaml").write_text(ENDPOINT.format(more=more))
    texts = [json.dumps(f"a red circle and a star, no. {n}") for n in range(prompts)]
    texts[1] = json.dumps(HOSTILE)
    listed = "".join(PROMPT.format(number=n, prompt=text) for n, text in enumerate(texts))
    (root / "prompts/few.yaml").write_text(f"prompt_set: few\nprompts:\n{listed}")
    home = ProjectHome(root / ".imgassets")
    contract = load_project(root).endpoint("cards")
    found = {model: _measured(home, contract, model, prompts) for model in ("prod", "fast")}
    table = compare(contract, found["fast"], found["prod"])
    path = home.output(("cards", "fast", "verdict"))
    path.write_text(json.dumps(decide(table).to_dict()))


def _measured(home: ProjectHome, contract: Endpoint, model: str, prompts: int) -> Measured:
    store, images, rows = ImageStore(home.images), [], []
    for prompt in range(prompts):
        for seed in SEEDS:
            key = key_of(model, prompt, seed)
            made = {"request": {"prompt": "x"}, "made_at": "2026-11-27T00:00:00Z"}
            store.put(key, draw(model, prompt, seed), **made)
            who = {
                "endpoint": "cards", "model": model, "flow": "generate",
                "prompt_id": f"p{prompt:03d}", "seed": seed, "replicate": 0, "image_key": key,
            }  # fmt: skip
            images.append(who | {"status": "ok", "message": ""})
            right = float(model == "prod" or prompt % WRONG_EVERY > 0)
            for metric, value in (
                ("composition.correct", right),
                ("composition.background", float(prompt % 8 > 0)),
                ("artefacts.clean", 1.0),
            ):
                rows.append(who | {"metric": metric, "value": value, "reason": ""})
    whole = pd.DataFrame(rows).reindex(columns=list(ROW_COLUMNS))
    _write(home, (model, "generated"), pd.DataFrame(images))
    for family in contract.families:
        these = whole["metric"].map(lambda name, f=family: METRICS[name].family == f)
        _write(home, (model, family), whole[these])
    return Measured(model, whole, pd.DataFrame(images))


def _write(home: ProjectHome, key: tuple[str, str], table: pd.DataFrame) -> None:
    path = home.output(("cards", *key))
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path)
