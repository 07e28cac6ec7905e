"""What the detector of flat shapes can be trusted at, measured on drawings of another renderer.

Called by `composition_accuracy`, which writes the page. A drawing is judged right when the shape
asked for is found and no other one; "cannot be judged" is counted apart from wrong.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from imgassets.documents.judge_labels import JudgeLabel
from imgassets.documents.prompts import Expectation
from imgassets.judges import readings, regions, shapes
from imgassets.judges.detectors import DetectorError
from imgassets.judges.errors import JudgeError
from imgassets.metrics.formulas.composition import score
from imgassets.metrics.judge_accuracy import Judged
from imgassets_tests.benchmarks.judge_accuracy import embedded, save
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.judges.other_renderer import (
    FAULTS,
    OUTLINES,
    PALETTE,
    RGB,
    Drawing,
    Pixels,
    cases,
    contrast,
    single,
)
from imgassets_tests.metrics.planted_scenes import CONDITIONS

#: Scenes held back: no threshold was chosen on this seed.
HELD_BACK_SEED, HELD_BACK = 4711, 300
#: The share of right verdicts on them, those that cannot be judged counted as not right.
AGREEMENT_BAR = 0.97

DRAWINGS = 8  # of each shape, at each value
_PICTURES = ("clean", "all three")
Draw = Callable[[random.Random, str, float], Drawing]


def judged(image: Pixels, wanted: Expectation, true: bool) -> str:
    """`right`, `wrong` or `unjudged`."""
    try:
        found = score(image, wanted)[0].value == 1.0
    except DetectorError:
        return "unjudged"
    return "right" if found == true else "wrong"


def agreement() -> tuple[float, str]:
    """Share of right verdicts on the scenes held back, and the table that says so."""
    total = Counter[str]()
    by_fault: dict[str, Counter[str]] = {name: Counter() for name in ("none", *FAULTS)}
    for case in cases(HELD_BACK_SEED, HELD_BACK):
        verdict = judged(case.drawing.pixels(), case.expectation, case.fault is None)
        total[verdict] += 1
        by_fault[case.fault or "none"][verdict] += 1
    rows = [_row(name, found) for name, found in by_fault.items()]
    head = ("planted", "scenes", "right", "wrong", "cannot be judged")
    return total["right"] / HELD_BACK, table(head, [*rows, _row("all", total)]).rstrip()


def save_calibration() -> None:
    """Puts what was found on the scenes held back beside the embedded judge of flat shapes."""
    found = []
    for case in cases(HELD_BACK_SEED, HELD_BACK):
        label = JudgeLabel(image="drawn", expect=case.expectation, correct=case.fault is None)
        try:
            scores = score(case.drawing.pixels(), case.expectation)
            said: bool | None = all(one.value >= 1.0 for one in scores)
        except JudgeError:
            said = None
        found.append(Judged(label, said, ""))
    save(embedded("shapes"), "drawings of another renderer, held back", found)


def trust() -> str:
    """The table of what the detector can be trusted at."""
    rows = [
        [what, f"{value:g}", *_cells(draw, value)]
        for what, values, draw in _SWEEPS
        for value in values
    ]
    head = ["what", "value"] + [
        f"{picture}: {verdict}"
        for picture in _PICTURES
        for verdict in ("right", "cannot be judged", "wrong")
    ]
    return table(head, rows).rstrip()


def limits() -> dict[str, str]:
    """The detector's own limits, by the name the page has for them."""
    return {
        "trusted cut": f"{readings.TRUSTED_CUT:.0%}",
        "trusted aspect": f"{readings.TRUSTED_ASPECT:g}",
        "most aspect": f"{shapes.MOST_ASPECT:g}",
        "trusted contrast": f"{regions.FAINT_TRUSTED_DELTA_E:g}",
        "least contrast": f"{regions.FAINT_CONTRAST_DELTA_E:g}",
        "speck area": f"{regions.SPECK_AREA_SHARE:.1%}",
        "object area": f"{regions.MIN_AREA_SHARE:.1%}",
        "held back": f"{HELD_BACK}",
        "held back seed": f"{HELD_BACK_SEED}",
        "agreement bar": f"{AGREEMENT_BAR:.0%}",
        "drawings": f"{DRAWINGS}",
    }


def _row(name: str, found: Counter[str]) -> list[str]:
    number = found.total()
    shares = [f"{found[verdict] / number:.1%}" for verdict in ("right", "wrong", "unjudged")]
    return [name, str(number), *shares]


def _cells(draw: Draw, value: float) -> Iterator[str]:
    for picture in _PICTURES:
        rng, noise = random.Random(f"{value}"), np.random.default_rng(0)
        found = Counter[str]()
        for shape in OUTLINES:
            for _ in range(DRAWINGS):
                image = CONDITIONS[picture](draw(rng, shape, value).pixels(), noise)
                found[judged(image, _surely_one(shape), True)] += 1
        for verdict in ("right", "unjudged", "wrong"):
            yield f"{found[verdict] / found.total():.0%}"


def _surely_one(shape: str) -> Expectation:
    """One of a shape, sure enough to count, and none of any other."""
    others = [{"class": other} for other in OUTLINES if other != shape]
    exclude = [{"class": shape, "count": 2}, *others]
    return Expectation.model_validate({"include": [{"class": shape}], "exclude": exclude})


def _ordinary(rng: random.Random) -> dict[str, float]:
    return {
        "side": rng.uniform(0.2, 0.4),
        "variant": rng.randrange(1 << 20),
        "degrees": rng.uniform(-5, 5),
    }


def _stretched(rng: random.Random, shape: str, aspect: float) -> Drawing:
    return single(shape, **_ordinary(rng) | {"aspect": aspect})


def _turned(rng: random.Random, shape: str, degrees: float) -> Drawing:
    return single(shape, **_ordinary(rng) | {"degrees": rng.choice((-1, 1)) * degrees})


def _faint(rng: random.Random, shape: str, apart: float) -> Drawing:
    ground = PALETTE[rng.choice(("white", "gray", "beige", "pink"))]
    return single(shape, **_ordinary(rng), rgb=_shade(rng, ground, apart), background=ground)


def _shade(rng: random.Random, ground: RGB, apart: float) -> RGB:
    """A color at a distance from a ground, within 1."""
    while True:
        red, green, blue = (min(255, max(0, v + rng.randint(-90, 90))) for v in ground)
        if abs(contrast((red, green, blue), ground) - apart) < 1:
            return red, green, blue


def _cut(rng: random.Random, shape: str, percent: float) -> Drawing:
    kept = _ordinary(rng)
    inside = kept["side"] * (0.5 - percent / 100)
    center = rng.choice([(inside, 0.5), (1 - inside, 0.5), (0.5, inside), (0.5, 1 - inside)])
    return single(shape, **kept, center=center)


def _small(rng: random.Random, shape: str, percent: float) -> Drawing:
    spot = (rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7))
    return single(shape, **_ordinary(rng) | {"side": percent / 100}, center=spot)


_SWEEPS: tuple[tuple[str, tuple[float, ...], Draw], ...] = (
    ("width over height", (0.33, 0.4, 0.5, 0.6, 0.7, 1.0, 1.4, 1.7, 2.0, 2.5, 3.0), _stretched),
    ("turned, degrees", (0, 5, 10, 12, 15, 18, 20, 25, 30, 35, 45, 90), _turned),
    ("contrast, Delta E", (8, 10, 12, 14, 16, 18, 22, 26, 30, 40), _faint),
    ("beyond the border, % of a side", (0, 10, 20, 25, 30, 35, 40, 50, 60), _cut),
    ("side, % of the image's", (6, 8, 10, 12, 13, 14, 16, 18, 20), _small),
)
