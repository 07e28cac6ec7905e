"""Post-processing: each step does what its parameters say, and the same every time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.documents.image_key import step_facts
from imgassets.documents.postprocess import Step, mode_after, size_after
from imgassets.images.filters import laplacian
from imgassets.images.postprocess import PostprocessError, apply
from imgassets_tests.documents.test_chain import STEPS
from imgassets_tests.metrics import image_faults as faults

PICTURE = Image.fromarray(faults.photograph("coffee", 96))


def done(*steps: dict[str, Any], image: Image.Image = PICTURE, root: Path = Path()) -> Image.Image:
    return apply(_facts(root, *steps), image, root).image


def _facts(root: Path, *steps: dict[str, Any]) -> list[dict[str, Any]]:
    return step_facts(root, _parsed(*steps))


def _parsed(*steps: dict[str, Any]) -> tuple[Step, ...]:
    return STEPS.validate_python(steps)


def test_a_chain_gives_the_size_and_mode_it_promises() -> None:
    """What the contract foretells is what comes out."""
    chain = (
        {"kind": "resize", "size": [64, 48], "filter": "lanczos"},
        {"kind": "sharpen", "radius": 1.0, "amount": 0.5},
        {"kind": "watermark", "text": "acme", "height": 0.2, "margin": 2, "opacity": 0.6},
        {"kind": "convert", "format": "JPEG", "quality": 90, "mode": "L"},
    )
    image = done(*chain)
    assert (image.size, image.mode) == ((64, 48), "L")
    assert size_after(_parsed(*chain), (96, 96)) == (64, 48)
    assert mode_after(_parsed(*chain), "RGB") == "L"
    assert np.array_equal(np.asarray(image), np.asarray(done(*chain)))


def test_sharpening_sharpens_and_its_threshold_spares_noise() -> None:
    def energy(image: Image.Image) -> float:
        return float((laplacian(np.asarray(image.convert("L"), np.float32)) ** 2).mean())

    mild, strong = (done({"kind": "sharpen", "radius": 1, "amount": a}) for a in (0.3, 1.5))
    assert energy(PICTURE) < energy(mild) < energy(strong)
    spared = done({"kind": "sharpen", "radius": 1, "amount": 1.5, "threshold": 255})
    assert np.array_equal(np.asarray(spared), np.asarray(PICTURE))


def test_convert_shows_what_the_format_does() -> None:
    """PNG changes nothing; worse quality is further off and smaller."""
    png = apply(_facts(Path(), {"kind": "convert", "format": "PNG"}), PICTURE, Path())
    assert np.array_equal(np.asarray(png.image), np.asarray(PICTURE))
    for name in ("JPEG", "WEBP"):
        good, bad = (
            apply(
                _facts(Path(), {"kind": "convert", "format": name, "quality": q}), PICTURE, Path()
            )
            for q in (95, 20)
        )
        original = np.asarray(PICTURE, int)
        errors = [np.abs(np.asarray(x.image, int) - original).mean() for x in (good, bad)]
        assert 0 < errors[0] < errors[1]
        assert (bad.delivered_bytes or 0) < (good.delivered_bytes or 0)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    image = done({"kind": "convert", "format": "PNG"}, image=clear)
    assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_a_mark_stays_in_its_corner(corner: str, tmp_path: Path) -> None:
    """Half opacity of white on black is 128, only in the corner asked for."""
    Image.new("RGB", (40, 20), "white").save(tmp_path / "logo.png")
    mark = {"kind": "watermark", "image": "logo.png", "corner": corner, "height": 0.2, "margin": 3}
    black = Image.new("RGB", (100, 100))
    marked = np.asarray(done(mark | {"opacity": 0.5}, image=black, root=tmp_path))[..., 0]
    rows, columns = np.nonzero(marked)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 40)
    assert rows.min() == (3 if corner.startswith("top") else 77)
    assert columns.min() == (3 if corner.endswith("left") else 57)
    assert set(np.unique(marked)) == {0, 128}


def test_a_text_mark_is_read_on_any_ground() -> None:
    """White letters with a dark rim: both appear, on white and on black."""
    mark = {"kind": "watermark", "text": "ACME", "height": 0.3, "opacity": 1.0}
    for ground in ("white", "black", "gray"):
        pixels = np.asarray(done(mark, image=Image.new("RGB", (96, 96), ground)))
        assert pixels.min() == 0
        assert pixels.max() == 255


def test_what_cannot_be_done_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (300, 10), "white").save(tmp_path / "logo.png")
    mark = {"kind": "watermark", "image": "logo.png", "height": 0.5, "opacity": 1.0}
    with pytest.raises(PostprocessError, match="does not fit"):
        done(mark, root=tmp_path)
    facts = _facts(tmp_path, mark | {"height": 0.02})
    digest = hashlib.sha256((tmp_path / "logo.png").read_bytes()).hexdigest()
    assert facts[0]["image_sha256"] == digest
    Image.new("RGB", (300, 10), "black").save(tmp_path / "logo.png")
    with pytest.raises(PostprocessError, match="changed since it was asked for"):
        apply(facts, PICTURE, tmp_path)
    (tmp_path / "logo.png").write_text("no image")
    with pytest.raises(PostprocessError, match="put a PNG file there"):
        apply(facts, PICTURE, tmp_path)
