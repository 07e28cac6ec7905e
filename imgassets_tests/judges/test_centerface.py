"""The embedded judge of faces, on photographs with a known number of faces."""

from __future__ import annotations

from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from imgassets.documents.judge import CenterFace
from imgassets.judges.centerface import CenterFaceJudge
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge

Pixels = NDArray[np.uint8]
DOCUMENT = CenterFace(judge="faces", kind="centerface")


@pytest.fixture(scope="module")
def judge() -> CenterFaceJudge:
    opened = open_judge(Path(), DOCUMENT, "cpu")
    assert isinstance(opened, CenterFaceJudge)
    return opened


def hopper() -> Pixels:
    with Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")) as image:
        return np.asarray(image.convert("RGB"))


def cameraman() -> Pixels:
    return np.stack([skimage.data.camera()] * 3, axis=-1)


def collage(number: int) -> Pixels:
    """`number` faces, of two people in turn, between a cat and a cup."""
    faces = [skimage.data.astronaut()[20:240, 100:320], hopper()[110:400, 120:410]]
    others = [skimage.data.chelsea()[:300, 60:360], skimage.data.coffee()[:300, 140:440]]
    shown = [others[0], *(faces[index % 2] for index in range(number)), others[1]]
    resized = [np.asarray(Image.fromarray(one).resize((220, 220))) for one in shown]
    return np.hstack(resized)


@pytest.mark.parametrize("photograph", [skimage.data.astronaut, hopper, cameraman])
def test_one_face(judge: CenterFaceJudge, photograph: object) -> None:
    assert callable(photograph)
    assert len(judge.faces(photograph())) == 1


@pytest.mark.parametrize(
    "photograph", [skimage.data.chelsea, skimage.data.coffee, skimage.data.rocket]
)
def test_no_face(judge: CenterFaceJudge, photograph: object) -> None:
    assert callable(photograph)
    assert judge.faces(photograph()) == []


@pytest.mark.parametrize("number", range(4))
def test_counts_faces_of_a_collage(judge: CenterFaceJudge, number: int) -> None:
    assert len(judge.faces(collage(number))) == number


@pytest.mark.parametrize("side", [96, 200, 333, 512, 900, 1500])
def test_takes_any_size_and_boxes_are_in_its_pixels(judge: CenterFaceJudge, side: int) -> None:
    """The astronaut's face lies between 35 and 53 % from the left, 11 and 35 % from the top."""
    image = np.asarray(Image.fromarray(skimage.data.astronaut()).resize((side, side)))
    (face,) = judge.faces(image)
    assert np.array(face.box) / side == pytest.approx([0.35, 0.11, 0.53, 0.35], abs=0.03)
    assert 0.5 <= face.score <= 1.0


def test_not_square_and_mirrored(judge: CenterFaceJudge) -> None:
    image = collage(2)[:, :-100]
    plain, mirrored = judge.faces(image), judge.faces(image[:, ::-1].copy())
    assert len(plain) == len(mirrored) == 2
    assert list(plain) == sorted(plain, key=lambda face: -face.score)


def test_one_face_is_not_two(judge: CenterFaceJudge) -> None:
    """Before suppression several places see the same face."""
    eager = CenterFaceJudge(judge._session, 0.2)
    assert len(eager.faces(skimage.data.astronaut())) == 1


def test_presence_decides(judge: CenterFaceJudge) -> None:
    image = skimage.data.astronaut()
    (face,) = judge.faces(image)
    assert judge.faces(image)[0] == face
    assert CenterFaceJudge(judge._session, face.score + 0.01).faces(image) == []


def test_refuses_what_is_no_image(judge: CenterFaceJudge) -> None:
    for image in (np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3)), np.zeros((4, 64, 3))):
        with pytest.raises(JudgeError, match="expected"):
            judge.faces(np.asarray(image))
