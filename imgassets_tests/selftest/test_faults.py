"""The injectors do what they say, and the counting of catches is right in both directions."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from imgassets.selftest import image_faults, request_faults
from imgassets.selftest.catalogue import all_faults
from imgassets.selftest.detection import (
    BootstrapSample,
    Rate,
    SelfTestData,
    detection,
    judge_draw,
    whole,
)
from imgassets.selftest.image_faults import Spot, decode, encode
from imgassets_tests.decision.factories import BASE, NEW, coin, endpoint, measured

EXACT = "typography.exact"


def scene(side: int = 96) -> np.ndarray:
    """A red disc and a blue bar on white."""
    y, x = np.mgrid[:side, :side]
    image = np.full((side, side, 3), 255, np.uint8)
    image[(x - side / 3) ** 2 + (y - side / 3) ** 2 < (side / 5) ** 2] = (220, 30, 40)
    image[int(side * 0.7) : int(side * 0.85), side // 4 : side // 2] = (30, 60, 200)
    return image


def spoiled(spoil: image_faults.ImageFault, image: np.ndarray, number: int = 0) -> np.ndarray:
    return decode(spoil(encode(image), Spot(number)))


def test_catalogue_covers_both_kinds_at_both_strengths() -> None:
    faults = all_faults()
    names = {f.name for f in faults}
    assert len(names) >= 25
    assert {(f.name, f.strength) for f in faults} == {
        (n, s) for n in names for s in ("strong", "faint")
    }
    assert {f.kind for f in faults} == {"pipeline", "image"}
    for fault in faults:
        means = (fault.spoil, fault.garble, fault.document or None, fault.inside)
        assert sum(m is not None for m in means) == 1, fault.name


@pytest.mark.parametrize("fault", [f for f in all_faults() if f.spoil], ids=lambda f: f.name)
def test_every_image_fault_changes_a_file(fault) -> None:
    """Of 400 files one at least; it stays a file of the same size, unless it is cut."""
    image = encode(scene())
    source = encode(scene(48))
    spot = next(s for s in (Spot(n, source) for n in range(400)) if fault.spoil(image, s) != image)
    if fault.name == "corrupt files":
        with pytest.raises(OSError, match="truncated"):
            decode(fault.spoil(image, spot))
    else:
        assert decode(fault.spoil(image, spot)).shape == (96, 96, 3)


def test_image_faults_do_what_they_say() -> None:
    image = scene()
    assert (spoiled(image_faults.swapped(1.0), image) == image[..., ::-1]).all()
    assert spoiled(image_faults.gamma(1 / 2.2), image).mean() > image.mean() + 5
    assert (spoiled(image_faults.rotated(), image) == np.rot90(image, -1)).all()
    lined = spoiled(image_faults.border(1.0), image)
    assert not lined[0].any()
    assert (lined[1:-1, 1:-1] == image[1:-1, 1:-1]).all()
    seamed = spoiled(image_faults.seams(6, 48), image).astype(int)
    assert (image - seamed)[:48, :48].max() == 0
    assert (image - seamed)[:48, 48:].max() == 6
    fringe = image.astype(int) - spoiled(image_faults.premultiplied(2.0), image)
    assert fringe.max() > 40
    assert fringe[90:, 90:].max() == 0
    hits = [
        n
        for n in range(100)
        if not spoiled(image_faults.every(10, image_faults.black()), image, n).any()
    ]
    assert len(hits) == 10


def test_a_plain_filter_takes_the_place_of_the_upscaler() -> None:
    png = image_faults.enlarged(Image.Resampling.NEAREST)(
        encode(scene()), Spot(0, encode(scene(48)))
    )
    assert (decode(png) == scene(48).repeat(2, axis=0).repeat(2, axis=1)).all()
    assert Image.open(io.BytesIO(png)).size == (96, 96)


def test_request_faults_change_a_copy() -> None:
    asked = {
        "prompt": "large text HI on white",
        "negative_prompt": "",
        "seed": 7,
        "sampling": {"steps": 4, "guidance_scale": 3.0},
        "region": [0.0, 0.0, 0.5, 1.0],
    }
    before = repr(asked)
    assert request_faults.sampled(steps=1)(asked, 0)["sampling"] == {
        "steps": 1,
        "guidance_scale": 3.0,
    }
    assert request_faults.truncated(2)(asked, 0)["prompt"] == "large text"
    assert request_faults.truncated(-1)(asked, 0)["prompt"] == "large text HI on"
    assert request_faults.replaced({"white$": "black"})(asked, 0)["prompt"].endswith("on black")
    assert request_faults.negative(None)(asked, 0)["negative_prompt"] == asked["prompt"]
    assert request_faults.inverted()(asked, 0)["region"] == [0.5, 0.0, 1.0, 1.0]
    assert request_faults.moved(0.02)(asked, 0)["region"] == [0.02, 0.02, 0.52, 1.0]
    assert [request_faults.reseeded(2)(asked, n)["seed"] for n in range(6)] == [0, 0, 7, 7, 0, 0]
    assert repr(asked) == before


def bench() -> SelfTestData:
    """60 prompts, six seeds, right in 80 %; a floor of 50 % and a margin of 20 points."""
    contract = endpoint([{"metric": EXACT, "floor": 0.5, "margin": 0.2}], flows=["generate"])
    seeds = (1, 2, 3, 4, 5, 6)
    decks = [
        BootstrapSample(measured(name, {EXACT: coin(0.8, 3)}, range(60), seeds), [EXACT])
        for name in (BASE, NEW)
    ]
    return SelfTestData(contract, *decks)


def planted(rate: float) -> BootstrapSample:
    scores = coin(rate, 3)
    return BootstrapSample(measured(NEW, {EXACT: scores}, range(60), (1, 2)), [EXACT])


def test_a_ruined_model_is_caught_in_every_draw_and_a_healthy_one_never() -> None:
    healthy, ruined = planted(0.8), planted(0.1)
    drawn = [judge_draw([bench()], [[healthy], [ruined]], draw) for draw in range(8)]
    alarms = list(zip(*(d.alarms for d in drawn), strict=True))
    assert set(alarms[0]) == {""}
    assert set(alarms[1]) == {"NO-GO"}
    assert {d.healthy for d in drawn} <= {("GO",), ("INCONCLUSIVE",)}
    found = detection(whole([bench()], [ruined]), alarms[1])
    assert found.verdict == "NO-GO"
    assert found.criterion == "hero-banner: generate__typography_exact"
    assert found.caught == Rate(8, 8)
    missed = detection(whole([bench()], [healthy]), alarms[0])
    assert (missed.verdict, missed.criterion, missed.caught.value) == ("GO", "", 0.0)


def test_an_alarm_that_the_healthy_model_raises_as_well_is_no_catch() -> None:
    """A floor nobody meets is broken by both, so it says nothing of the fault."""
    contract = endpoint([{"metric": EXACT, "floor": 0.99}], flows=["generate"])
    strict = SelfTestData(contract, bench().incumbent, bench().candidate)
    drawn = [judge_draw([strict], [[planted(0.1)]], draw) for draw in range(5)]
    assert {d.alarms for d in drawn} == {("",)}
    assert {d.healthy for d in drawn} == {("NO-GO",)}


def test_a_draw_is_the_same_every_time_and_keeps_clusters() -> None:
    one = bench()
    assert one.prompts(3) == one.prompts(3)
    assert one.prompts(3) != one.prompts(4)
    drawn = one.incumbent.drawn(["p0001", "p0001", "p0002"], [5, 6])
    assert len(drawn.images) == 6
    twins = drawn.rows.groupby("prompt_id")["value"].apply(list)
    assert twins[0] == twins[1]


def test_rates_carry_wilsons_interval() -> None:
    """190 of 200: 91.0 to 97.3 %, as Wilson's formula gives by hand."""
    low, high = Rate(190, 200).interval
    assert low == pytest.approx(0.9104, abs=5e-4)
    assert high == pytest.approx(0.9726, abs=5e-4)
