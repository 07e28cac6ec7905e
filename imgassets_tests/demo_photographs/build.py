"""Makes the demo's photographs and their prompts anew.

    python -m imgassets_tests.demo_photographs.build

writes the folders `production`, `webp` and `trial` of `contracts/photographs`, the table of planted
faults in its README.md, and `prompts/photographs.yaml`. Pictures of production are chosen so that
the embedded judges are right on them, as production and as WebP, and those of the trial so that the
fault is seen: they show how a verdict is reached, and measure no judge (docs/metrics/photographs.md
does).
"""

from __future__ import annotations

import io
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from PIL import Image

from imgassets.documents.prompts import Expectation
from imgassets.judges.registry import open_judge
from imgassets.metrics.formulas.composition import score as score_objects
from imgassets.metrics.formulas.faces import scored_by
from imgassets_tests.benchmarks.judge_accuracy import embedded
from imgassets_tests.benchmarks.photo_cutouts import Pixels
from imgassets_tests.demo_photographs.asked import id_of, prompt, scenes
from imgassets_tests.demo_photographs.faults import FAULTS, Fault, smear
from imgassets_tests.demo_photographs.scenes import Scene, draw

ROOT = Path(__file__).parents[2]
OUT = ROOT / "contracts/photographs"
SIDE, TRIES = 320, 40
_BEGIN, _END = "<!-- faults -->\n", "<!-- end of faults -->\n"
_HEAD = """\
# Photographs and collages that were made elsewhere: contracts/photographs/README.md tells of what.
# Written by `python -m imgassets_tests.demo_photographs.build`.
"""


def main() -> None:
    asked = {id_of(text): (prompt(text, scene), scene) for text, scene in scenes().items()}
    for name in ("production", "webp", "trial"):
        shutil.rmtree(OUT / name, ignore_errors=True)
    good: dict[str, Pixels] = {}
    for name, (wanted, scene) in asked.items():
        good[name] = _right(scene, Expectation.model_validate(wanted["expect"]))
        _write("production", name, ".jpg", _jpeg(good[name]))
        _write("webp", name, ".webp", _webp(good[name]))
    for name, (wanted, scene) in asked.items():
        fault, expect = FAULTS.get(name), Expectation.model_validate(wanted["expect"])
        image = good[name] if fault is None else _spoiled(fault, scene, good, name, expect)
        data: bytes | None = _jpeg(image)
        if fault is not None and fault.encode is not None and data is not None:
            data = fault.encode(data)
        _write("trial", name, ".jpg", data)
    _write_prompts([wanted for wanted, _ in asked.values()])
    _write_faults()


def _right(scene: Scene, expect: Expectation) -> Pixels:
    """The first picture of a scene that the judges are right on, however it is saved."""
    for seed in range(1 if scene.layout == "whole" else TRIES):
        image = _picture(scene, seed)
        if all(_judged(_opened(data), expect) for data in (_jpeg(image), _webp(image))):
            return image
    raise SystemExit(f"the judges are right on no picture of {scene}")


def _judged(image: Pixels, expect: Expectation) -> bool:
    detector, faces = _judges()
    objects = score_objects(image, expect, detector)[0]
    return objects.value == 1.0 and scored_by(faces)(image, expect)[0].value == 1.0


@cache
def _judges() -> tuple[Any, Any]:
    detector, faces = (open_judge(Path(), embedded(n), "cpu") for n in ("coco-small", "faces"))
    return detector, faces


def _spoiled(
    fault: Fault, scene: Scene, good: dict[str, Pixels], name: str, expect: Expectation
) -> Pixels:
    image = good[fault.image_of or name]
    if fault.shown is not None:
        image = _wrong(fault.shown(scene), expect)
    if fault.smeared:
        while found := _judges()[1].faces(image):
            image = smear(image, found[0].box)
    return image if fault.spoil is None else fault.spoil(image)


def _wrong(shown: Scene, expect: Expectation) -> Pixels:
    """The first picture of a scene that the judge of objects calls wrong, as it is."""
    for seed in range(1000, 1000 + TRIES):
        image = _picture(shown, seed)
        if score_objects(_opened(_jpeg(image)), expect, _judges()[0])[0].value == 0.0:
            return image
    raise SystemExit(f"the judge sees no fault in any picture of {shown}")


def _picture(scene: Scene, seed: int) -> Pixels:
    return np.asarray(
        cv2.resize(draw(scene, seed), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8
    )


def _jpeg(image: Pixels) -> bytes:
    return _saved(image, "JPEG", quality=85)


def _webp(image: Pixels) -> bytes:
    return _saved(image, "WEBP", quality=80, method=6)


def _saved(image: Pixels, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def _opened(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _write(folder: str, name: str, suffix: str, data: bytes | None) -> None:
    """One photograph, with seed 1; none is a file that is missing."""
    if data is None:
        return
    path = OUT / folder / name / f"1{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_prompts(prompts: list[dict[str, Any]]) -> None:
    data = {
        "prompt_set": "photographs",
        "description": "People, cats and cups: whole photographs, and collages on three grounds.",
        "transforms": [{"name": "photograph", "kind": "prefix", "text": "a photograph of "}],
        "prompts": prompts,
    }
    text = _HEAD + yaml.safe_dump(data, sort_keys=False, width=100)
    (ROOT / "prompts" / "photographs.yaml").write_text(text, encoding="utf-8")


def _write_faults() -> None:
    path = OUT / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    rows = [
        f"| `{name}` | {fault.told} | {', '.join(f'`{one}`' for one in fault.caught_by)} |"
        for name, fault in FAULTS.items()
    ]
    table = ["| prompt | planted | caught by |", "| --- | --- | --- |", *rows]
    path.write_text(before + _BEGIN + "\n".join(table) + "\n" + _END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
