"""Images of a project's requests that no model made: scenes with noise, in the size asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore


def paint(requests: Sequence[Request], store: ImageStore) -> None:
    """Store an image for each request; edited and upscaled ones resemble their source."""
    for request in requests:
        store.put(
            request.image_key,
            _image(request, store),
            request=request.inputs,
            made_at="2026-11-27T00:00:00+00:00",
            seconds=0.5,
        )


def _image(request: Request, store: ImageStore) -> Image.Image:
    draw = np.random.default_rng(int(request.image_key[:8], 16))
    if request.source_key:
        source = store.read(request.source_key)
        if request.flow == "upscale":
            return source.resize((source.width * 2, source.height * 2))
        changed = np.asarray(source).copy()
        changed[:20, :20] = draw.integers(0, 255, 3)
        return Image.fromarray(changed)
    canvas = np.full((96, 96, 3), 230, np.uint8)
    canvas[30:60, 20:70] = draw.integers(0, 200, 3)
    canvas += draw.integers(0, 8, canvas.shape, dtype=np.uint8)
    return Image.fromarray(canvas)
