"""Whatever comes in: one list, no exception, no partial file. What is good: as promised."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imgassets.documents.sources import SOURCE_FORMATS, SourceRules
from imgassets.images.errors import RefusedError
from imgassets.images.intake import ANY_SOURCE
from imgassets.images.normalize import normalize
from imgassets.images.outputs import OutputFolder, harmless
from imgassets.images.take_in import inputs_of, normalize_files
from imgassets_tests.images import icc
from imgassets_tests.images.files import PICTURE, deep_png, encoded, exif, small_png

warnings.simplefilter("ignore")
quick = settings(max_examples=300, deadline=None, derandomize=True, database=None)

GOOD = [
    encoded("PNG", icc_profile=icc.gray_profile(2.0)[:400], exif=exif(6)),
    encoded("PNG", PICTURE.quantize(9), transparency=0),
    encoded("PNG", save_all=True, append_images=[PICTURE.rotate(90)]),
    small_png(),
    deep_png(np.arange(36, dtype=np.uint16).reshape(3, 4, 3) * 1800),
    encoded("JPEG", exif=exif(8, "text"), icc_profile=icc.gray_profile(2.0)[:400]),
    encoded("JPEG", PICTURE.convert("CMYK"), progressive=True),
    encoded("MPO", save_all=True, append_images=[PICTURE.rotate(180)]),
    encoded("WEBP", lossless=True, exif=exif(3)),
    encoded("WEBP", PICTURE.convert("RGBA")),
    encoded("GIF", save_all=True, append_images=[PICTURE.rotate(90)]),
    encoded("TIFF", compression="tiff_lzw", tiffinfo={0x0112: 5}),
    encoded("TIFF", PICTURE.convert("CMYK"), compression="tiff_deflate"),
    encoded("BMP"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with up to four bytes or stretches changed, lost or doubled."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        stretch = draw(st.integers(1, 64))
        match draw(st.sampled_from(["change", "lose", "double", "cut", "zero"])):
            case "change":
                data[at : at + 4] = draw(st.binary(min_size=1, max_size=4))
            case "lose":
                del data[at : at + stretch]
            case "double":
                data[at:at] = data[at : at + stretch]
            case "cut":
                del data[at:]
            case _:
                data[at : at + stretch] = bytes(stretch)
    return bytes(data)


def first_bytes() -> st.SearchStrategy[bytes]:
    """The start of each format, before whatever follows."""
    return st.sampled_from([good[:size] for good in GOOD for size in (4, 12, 40)])


anything = st.one_of(
    st.binary(max_size=300), damaged(), st.tuples(first_bytes(), st.binary()).map(b"".join)
)


@quick
@given(anything, st.sampled_from(["refuse", "keep", "#123456"]))
def test_any_bytes_are_taken_or_refused_and_nothing_else(data: bytes, alpha: str) -> None:
    rules = SourceRules(source_formats=SOURCE_FORMATS, source_alpha=alpha)
    try:
        found = normalize(data, rules)
    except RefusedError as refused:
        reason = str(refused)
    else:
        reason = ""
    assert reason.isprintable()
    if reason:
        return
    assert found.image.mode in (("RGB", "RGBA") if alpha == "keep" else ("RGB",))
    assert min(found.image.size) >= 1
    assert all(done.isprintable() for done in found.done)


@settings(quick, max_examples=100)
@given(st.lists(anything, min_size=1, max_size=4))
def test_any_files_end_in_one_list_each_and_leave_no_part(contents: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = []
        for number, data in enumerate(contents):
            (folder / str(number)).mkdir()
            paths.append(folder / str(number) / "same.png")
            paths[-1].write_bytes(data)
        taken = normalize_files(map(str, paths), folder / "out", ANY_SOURCE)
        ended = [item.input for item in (*taken.accepted, *taken.refused)]
        assert sorted(ended) == sorted(map(str, paths))
        outputs = {Path(item.output) for item in taken.accepted}
        assert len(outputs) == len(taken.accepted)
        assert outputs == set((folder / "out").iterdir())
        for path in outputs:
            Image.open(path).load()
        assert [p.read_bytes() for p in paths] == contents


@st.composite
def valid(draw: st.DrawFn) -> tuple[bytes, tuple[int, int], bool]:
    """A good file of any kind, its size upright, and whether it has alpha."""
    form = draw(st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"]))
    modes = {
        "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
        "JPEG": ["L", "RGB", "CMYK"],
        "WEBP": ["RGB", "RGBA"],
        "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"],
        "BMP": ["1", "L", "P", "RGB"],
        "GIF": ["L", "P", "RGB"],
    }
    mode = draw(st.sampled_from(modes[form]))
    size = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    image = PICTURE.resize(size).convert("L" if mode == "I;16" else mode).convert(mode)
    turned = draw(st.integers(1, 8)) if form in ("PNG", "JPEG", "WEBP") else 1
    options = {"exif": exif(turned)} if turned > 1 else {}
    upright = size[::-1] if turned >= 5 else size
    return encoded(form, image, **options), upright, mode in ("LA", "RGBA")


@quick
@given(valid(), st.sampled_from(["keep", "#ffffff"]))
def test_any_valid_image_comes_out_of_the_promised_mode_and_size(
    made: tuple[bytes, tuple[int, int], bool], alpha: str
) -> None:
    data, upright, has_alpha = made
    found = normalize(data, SourceRules(source_formats=SOURCE_FORMATS, source_alpha=alpha)).image
    assert found.size == upright
    # Some encoders drop alpha that is opaque everywhere; then there is none to keep.
    modes = {"RGB", "RGBA"} if has_alpha and alpha == "keep" else {"RGB"}
    assert found.mode in modes


@quick
@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False))
def test_a_normalized_image_is_normal(width: int, height: int, random: object) -> None:
    """Taking in one's own output changes nothing: the second time, nothing is done."""
    pixels = np.frombuffer(random.randbytes(width * height * 3), np.uint8)  # type: ignore[attr-defined]
    once = normalize(encoded("PNG", Image.fromarray(pixels.reshape(height, width, 3)))).image
    again = normalize(encoded("PNG", once))
    assert again.done == ()
    assert again.image.tobytes() == once.tobytes() == pixels.tobytes()


hostile_text = st.text(st.characters(), max_size=200)


@quick
@given(hostile_text)
def test_any_name_becomes_one_harmless_part_of_a_path(name: str) -> None:
    made = harmless(name)
    assert made == Path(made).name
    assert made.isprintable()
    assert made[0] not in ".-"
    assert 1 <= len(made.encode()) <= 120
    assert harmless(made) == made


@settings(quick, max_examples=60)
@given(st.lists(st.tuples(hostile_text, st.binary(max_size=3)), max_size=8))
def test_no_output_is_written_over_another(asked: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = OutputFolder(Path(name))
        written = {folder.put(given_name, data): data for given_name, data in asked}
        assert len(written) == len(asked)
        assert {p: p.read_bytes() for p in Path(name).iterdir()} == written
        later = OutputFolder(Path(name))
        again = [later.put(given_name, data) for given_name, data in asked]
        assert len(set(again)) == len(asked)
        assert all(p.read_bytes() == data for p, data in written.items())


@quick
@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))))
def test_standard_input_gives_every_path_that_was_written(paths: list[bytes]) -> None:
    import os

    stream = io.TextIOWrapper(io.BytesIO(b"\n".join(paths)), encoding="utf-8")
    assert [os.fsencode(p) for p in inputs_of(["-"], stream)] == [p for p in paths if p]


@pytest.mark.parametrize("good", GOOD, ids=range(len(GOOD)))
def test_no_cut_file_is_taken_in(good: bytes) -> None:
    """Cut anywhere, by a byte or by most of it: every format of these says so, or has all pixels.

    What may be lost is behind the pixels: metadata, the second picture of a phone.
    """
    try:
        whole = normalize(good).image
    except RefusedError:
        return  # animations and false profiles, which are refused whole as well
    for size in range(len(good) - 1, 0, -max(1, len(good) // 60)):
        try:
            found = normalize(good[:size]).image
        except RefusedError:
            continue
        assert found.tobytes() == whole.tobytes(), size
