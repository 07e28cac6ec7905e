"""A program that draws, and a model document that runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

#: Draws what a request asks for; without anything of ours, so that it starts in no time.
PROGRAM = """\
import hashlib, json, sys
from PIL import Image

asked = json.load(sys.stdin)
size = asked["width"], asked["height"]
if size[0] % 8 or size[1] % 8:
    sys.exit("sides must be multiples of 8")
words = json.dumps([asked["prompt"], asked["seed"], asked["parameters"]]).encode()
image = Image.new("RGB", size, tuple(hashlib.sha256(words).digest()[:3]))
if "mask" in asked:
    mask = Image.open(asked["mask"])
    image = Image.composite(image, Image.open(asked["source"]).convert("RGB"), mask)
elif "source" in asked:
    image = Image.blend(image, Image.open(asked["source"]).convert("RGB"), 0.5)
image.save(asked["output"])
"""
COMMAND = f"""\
model: fast
backend: command
command: [{json.dumps(sys.executable)}, draw.py]
files: [draw.py]
timeout_seconds: 60
edit: {{}}
stylize: {{parameters: {{strength: 0.5}}}}
upscaler: {{kind: lanczos, scale: 2}}
price: {{usd_per_hour: 0.3, source: a test, as_of: 2026-11-24}}
"""


def write_program(root: Path, text: str = PROGRAM) -> None:
    """Put the program where the document expects it."""
    (root / "draw.py").write_text(text)
