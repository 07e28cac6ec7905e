"""A small project to run the real thing on: one endpoint, two models, a handful of prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

ENDPOINT = """\
endpoint: cards
accepts: {max_prompt_chars: 60, sizes: [[96, 96]]}
returns: {size: [96, 96], mode: RGB, format: PNG}
flows: [generate, edit, upscale]
sampling: {seeds: [5, 6]}
prompt_sets: [few]
incumbent: prod
candidates: [fast]
failure_modes:
  - {mode: backend_error, max_rate: 0.05}
criteria:
  - {metric: composition.correct, flow: generate, floor: 0.1, margin: 0.2}
  - {metric: typography.exact, flow: generate, margin: 0.2, severity: warning}
  - {metric: artefacts.clean, flow: upscale, floor: 0.5}
budget: {seconds_per_image: 60}
"""

MODEL = """\
model: {name}
backend: diffusers
weights: package:{weights}
pipeline: StableDiffusion3Pipeline
scheduler:
  class: FlowMatchEulerDiscreteScheduler
  settings: {{shift: {shift}}}
sampling: {{steps: {steps}, guidance_scale: 1.0, max_sequence_length: 0}}
edit: {{pipeline: StableDiffusion3InpaintPipeline, steps: 2, guidance_scale: 1.0, strength: 1.0}}
upscaler: {{kind: compact, scale: 2, weights: "package:tiny-x2"}}
batch_size: 4
price: {{usd_per_hour: 0.34, source: a test, as_of: 2026-11-24}}
"""

PROMPTS = """\
prompt_set: few
transforms:
  - {name: on-white, kind: suffix, text: " on white"}
prompts:
  - id: red-circle
    prompt: a large red circle
    expect: {include: [{class: circle, color: red, size: large}], background: white}
    edit:
      region: [0.0, 0.0, 0.5, 1.0]
      prompt: a large blue square
      expect: {include: [{class: square, color: blue}]}
  - id: two-stars
    prompt: two green stars
    expect:
      include: [{class: star, count: 2, color: green}]
      exclude: [{class: star, count: 3}]
  - id: word
    prompt: 'large text "HI" in blue'
    expect: {text: HI}
"""


@pytest.fixture
def project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on disk that the product finds by itself; nothing of it outlives the test."""
    write_project(tmp_path)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / ".imgassets" / "dagster"))
    return tmp_path


def write_project(root: Path) -> None:
    """Write the small project's documents."""
    (root / "contracts" / "endpoints").mkdir(parents=True)
    (root / "contracts" / "models").mkdir()
    (root / "prompts").mkdir()
    (root / "contracts" / "endpoints" / "cards.yaml").write_text(ENDPOINT)
    for name, weights, steps in (("prod", "tiny-base", 4), ("fast", "tiny-turbo", 2)):
        text = MODEL.format(name=name, weights=weights, steps=steps, shift=2.0)
        (root / "contracts" / "models" / f"{name}.yaml").write_text(text)
    (root / "prompts" / "few.yaml").write_text(PROMPTS)


CHAIN = """\
sources: {edit: stylize, upscale: edit, postprocess: upscale}
stylize:
  transforms: [{name: watercolor, kind: suffix, text: ", in watercolor"}]
postprocess:
  - {kind: resize, size: [128, 128], filter: lanczos}
  - {kind: sharpen, radius: 1.0, amount: 0.5}
  - {kind: watermark, text: acme, height: 0.1, margin: 2, opacity: 0.5}
  - {kind: convert, format: WEBP, quality: 90}
"""


def add_chain(root: Path) -> None:
    """Let the small project's endpoint do the whole chain of flows."""
    endpoint = root / "contracts/endpoints/cards.yaml"
    flows = "flows: [generate, stylize, edit, upscale, postprocess]"
    edit_file(endpoint, "flows: [generate, edit, upscale]", flows)
    endpoint.write_text(endpoint.read_text() + CHAIN)
    for model in ("prod", "fast"):
        path = root / f"contracts/models/{model}.yaml"
        path.write_text(
            path.read_text() + "stylize: {steps: 2, guidance_scale: 1.0, strength: 0.5}\n"
        )


def edit_file(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{old!r} is not in {path}")
    path.write_text(text.replace(old, new))
