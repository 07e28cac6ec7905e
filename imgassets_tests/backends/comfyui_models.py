"""ComfyUI model documents and workflows for tests."""

from __future__ import annotations

import json
from pathlib import Path

from imgassets_tests.fakes.comfyui_api import EDIT_WORKFLOW, VERSION, WORKFLOW

COMFYUI = f"""\
model: fast
backend: comfyui
workflow: workflows/make.json
inputs:
  prompt: 6.text
  negative_prompt: 7.text
  seed: 3.seed
  width: 5.width
  height: 5.height
edit:
  workflow: workflows/edit.json
  inputs:
    prompt: 6.text
    negative_prompt: 7.text
    seed: 3.seed
    source_image: 10.image
    mask: 11.image
upscaler: {{kind: lanczos, scale: 2}}
comfyui_version: {VERSION}
price: {{usd_per_hour: 0.5, source: a test, as_of: 2026-11-24}}
"""


def write_comfyui(root: Path, url: str = "", **fields: str) -> Path:
    """The candidate of the small project as a model of ComfyUI, with its workflows; its file."""
    (root / "workflows").mkdir(exist_ok=True)
    (root / "workflows/make.json").write_text(json.dumps(WORKFLOW))
    (root / "workflows/edit.json").write_text(json.dumps(EDIT_WORKFLOW))
    path = root / "contracts/models/fast.yaml"
    more = {"base_url": url} if url else {}
    lines = [f"{name}: {value}\n" for name, value in (more | fields).items()]
    path.write_text(COMFYUI + "".join(lines))
    return path
