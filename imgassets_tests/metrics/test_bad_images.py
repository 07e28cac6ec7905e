"""What is no usable image is a recorded failure with its mode: in tables and in scored folders."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgassets.documents.contract import Returns
from imgassets.documents.prompts import Expectation
from imgassets.metrics import metric_rows
from imgassets.metrics.scored_folder import score_bytes
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.metrics.factories import table

SCENE = sample_scene(random.Random(1), "single_object").render()
WANTED = Expectation.model_validate({"include": [{"class": "circle"}], "text": "HI"})
EXPECTED = {("generate", "p"): WANTED}
RETURNS = Returns.model_validate({"size": [96, 96], "mode": "RGB", "format": "PNG"})


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a hundred bytes that claims 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\0" * 9)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def deep() -> bytes:
    """16 bits a channel, which Pillow would halve without a word."""
    pixels = np.asarray(SCENE).astype(np.uint16) * 257
    return cv2.imencode(".png", pixels)[1].tobytes()


BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "an error page": ("unreadable", lambda: b"<html>502 Bad Gateway</html>"),
    "empty": ("unreadable", lambda: b""),
    "cut short": ("unreadable", lambda: encoded(SCENE)[:-40]),
    "huge": ("unreadable", bomb),
    "animated": ("wrong_mode", lambda: encoded(
        SCENE, save_all=True, append_images=[SCENE.rotate(90)])),
    "animated GIF": ("wrong_mode", lambda: encoded(
        SCENE, "GIF", save_all=True, append_images=[SCENE.rotate(90)])),
    "16 bits": ("wrong_mode", deep),
    "16 bits, grayscale": ("wrong_mode", lambda: encoded(
        Image.fromarray(np.arange(96 * 96, dtype=np.uint16).reshape(96, 96)))),
    "CMYK": ("wrong_mode", lambda: encoded(SCENE.convert("CMYK"), "JPEG")),
    "palette": ("wrong_mode", lambda: encoded(SCENE.convert("P"))),
    "grayscale": ("wrong_mode", lambda: encoded(SCENE.convert("L"))),
    "alpha": ("wrong_mode", lambda: encoded(SCENE.convert("RGBA"))),
}  # fmt: skip


def images(count: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "endpoint": "e", "model": "m", "flow": "generate", "prompt_id": "p",
            "seed": range(count), "replicate": 0, "image_key": [str(n) for n in range(count)],
            "status": "ok", "message": "",
        }
    )  # fmt: skip


@pytest.mark.parametrize("name", [*BAD, "wrongly sized"])
def test_tables_record_the_failure_and_score_nothing(name: str) -> None:
    """One row, `artefacts.clean` 0 with its mode; no other table scores the image afterwards."""
    wrong_size = ("wrong_size", lambda: encoded(SCENE.resize((95, 96))))
    mode, make = BAD.get(name, wrong_size)
    found = table("artefacts", images(), lambda _: make(), returned={"generate": RETURNS})
    assert found["metric"].tolist() == ["artefacts.clean"]
    assert found["value"].tolist() == [0.0]
    assert found["failure_mode"].tolist() == [mode]
    assert found["reason"].iloc[0].startswith(f"{mode}: ")
    marked = metric_rows.with_artefacts(images(), found)
    assert marked["status"].tolist() == [mode]

    def read(key: str) -> np.ndarray:
        raise AssertionError("an unusable image must not be read")

    rows = table("composition", marked, read, expectations=EXPECTED)
    assert rows["value"].isna().all()
    assert rows["reason"].str.startswith(f"{mode}: ").all()


@pytest.mark.parametrize("name", BAD)
def test_scored_folders_record_the_failure(name: str) -> None:
    """A folder has no promised size; everything else is found there as well."""
    mode, make = BAD[name]
    correct, reason, metrics = score_bytes(make(), WANTED)
    assert correct is False
    assert reason.startswith(f"{mode}: ")
    assert metrics == {"artefacts.clean": 0.0}


def test_an_image_too_small_to_judge_is_not_scored() -> None:
    correct, reason, metrics = score_bytes(encoded(SCENE.resize((12, 12))), WANTED)
    assert correct is None
    assert "at least 16 x 16" in reason
    assert metrics == {"artefacts.clean": 1.0}


@pytest.mark.parametrize("family", ["composition", "typography"])
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((96, 96), np.uint8),
        np.zeros((96, 96, 4), np.uint8),
        np.zeros((96, 96, 3), np.uint16),
        np.zeros((96, 96, 3), np.float32),
    ],
    ids=lambda array: f"{array.dtype} {array.ndim} {array.shape[-1]}",
)
def test_arrays_of_another_kind_are_refused_by_every_family(family: str, array: np.ndarray) -> None:
    """Not converted on the way in: the row says why it has no value."""
    found = table(family, images(), lambda _: array, expectations=EXPECTED)
    assert len(found) > 0
    assert found["value"].isna().all()
    assert found["reason"].str.startswith("cannot be judged: expected").all()


def test_pairs_of_another_kind_or_size_are_refused(tmp_path: Path) -> None:
    """Edits and upscales whose size is not what it must be have rows without a value."""
    pair = images().assign(source_key="source")
    small, gray = np.zeros((48, 48, 3), np.uint8), np.zeros((96, 96), np.uint8)
    for wrong in (small, gray):
        arrays = {"0": wrong, "source": np.asarray(SCENE)}
        edits = table(
            "edit_stability",
            pair.assign(flow="edit"),
            arrays.__getitem__,
            regions={"p": (0.0, 0.0, 0.5, 1.0)},
        )
        upscales = table("upscaling", pair.assign(flow="upscale"), arrays.__getitem__, scale=2)
        for rows in (edits, upscales):
            assert len(rows) > 0
            assert rows["value"].isna().all()
            assert rows["reason"].str.startswith("cannot be judged: ").all()


def test_a_file_that_cannot_be_decoded_while_reading_is_a_row() -> None:
    """One bad file among good ones costs its own rows only."""

    def read(key: str) -> np.ndarray:
        if key == "1":
            return np.asarray(Image.open(io.BytesIO(encoded(SCENE)[:-40])))
        return np.asarray(SCENE)

    found = table("composition", images(3), read, expectations=EXPECTED)
    lost = found.groupby("image_key")["value"].apply(lambda values: values.isna().all())
    assert lost.to_dict() == {"0": False, "1": True, "2": False}
    assert found[found["image_key"] == "1"]["reason"].str.startswith("unreadable: ").all()


def test_a_file_the_store_lost_is_an_error() -> None:
    def read(key: str) -> np.ndarray:
        raise FileNotFoundError(key)

    with pytest.raises(FileNotFoundError):
        table("composition", images(), read, expectations=EXPECTED)


def test_a_kept_table_without_failure_modes_says_how_to_make_it_anew() -> None:
    """Tables of an earlier version; clean ones are taken as they are."""
    old = pd.DataFrame(
        {"flow": ["generate"], "image_key": ["0"], "metric": ["artefacts.clean"], "value": [0.0],
         "reason": ["blank: one flat color"]}
    )  # fmt: skip
    with pytest.raises(metric_rows.OldTableError, match="materialize `artefacts` first"):
        metric_rows.with_artefacts(images(), old)
    clean = metric_rows.with_artefacts(images(), old.assign(value=1.0))
    assert set(clean["status"]) == {"ok"}
