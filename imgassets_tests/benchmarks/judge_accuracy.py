"""How often the embedded judges of photographs are right, and the page that says so.

    OPENCV_SOURCES=... python -m imgassets_tests.benchmarks.judge_accuracy

`photo_cutouts` says where the photographs come from. Writes docs/metrics/photographs.md, its
picture, and imgassets/judges/embedded/calibration.json, which reports read. The numbers depend on
the seed alone; milliseconds depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFont

from imgassets.decision.statistics import wilson_interval
from imgassets.documents.judge import EMBEDDED, AnyJudge, judge_class, judge_fingerprint
from imgassets.documents.judge_labels import JudgeLabel
from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import Detector
from imgassets.judges.faces import FaceJudge
from imgassets.judges.registry import open_judge
from imgassets.metrics.formulas.composition import score
from imgassets.metrics.formulas.faces import scored_by
from imgassets.metrics.judge_accuracy import Judged, calibration
from imgassets_tests.benchmarks import pages
from imgassets_tests.benchmarks.photo_cutouts import SOURCES, Pixels, all_there, cutouts
from imgassets_tests.benchmarks.photo_faces import face_samples
from imgassets_tests.benchmarks.photo_scenes import SIDE, TASKS, Placed, Sample, collage, samples

PICTURE = pages.FOLDER / "photographs.jpg"
SIZES = (0.06, 0.09, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5)
WHAT = "collages of photographs, held back"


def _as_jpeg(image: Pixels) -> Pixels:
    _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1], np.uint8).copy()


def _blurred(image: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2.0), np.uint8)


CONDITIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "as made": lambda image: image,
    "JPEG 60": _as_jpeg,
    "blur 2 px": _blurred,
}


@dataclass(frozen=True)
class Verdict:
    """What a judge said of one image."""

    task: str
    correct: bool
    said: bool
    reason: str
    image: Pixels
    asked: str = ""


def wilson(hits: int, number: int) -> list[float]:
    """A share and the bounds of its 95 % interval (Wilson 1927); nan without images."""
    if not number:
        return [float("nan")] * 3
    return [hits / number, *wilson_interval(hits / number, number, quantile=1.959964)]


def rates(verdicts: Sequence[Verdict]) -> dict[str, list[float]]:
    """Agreement; precision of "correct"; recall of correct images: each with its bounds."""
    said = [one for one in verdicts if one.said]
    right = [one for one in verdicts if one.correct]
    return {
        "agreement": wilson(sum(one.said == one.correct for one in verdicts), len(verdicts)),
        "precision": wilson(sum(one.correct for one in said), len(said)),
        "recall": wilson(sum(one.said for one in right), len(right)),
    }


def by_task(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts of each task, in order of first appearance."""
    groups: dict[str, list[Verdict]] = {}
    for one in verdicts:
        groups.setdefault(one.task, []).append(one)
    return groups


def judged(detector: Detector, found: Iterable[Sample], condition: str) -> list[Verdict]:
    """GenEval's verdict on each sample."""
    verdicts = []
    for sample in found:
        image = CONDITIONS[condition](sample.image)
        (one,) = score(image, sample.expectation, detector)
        asked = " and ".join(wanted.class_ for wanted in sample.expectation.include)
        said = one.value == 1.0
        verdicts.append(Verdict(sample.task, sample.correct, said, one.reason, image, asked))
    return verdicts


def faces_judged(judge: FaceJudge, number: int, seed: int, condition: str) -> list[Verdict]:
    """Whether as many faces are seen as asked for."""
    verdicts, scorer = [], scored_by(judge)
    for sample in face_samples(number, seed):
        image = CONDITIONS[condition](sample.image)
        one = scorer(image, sample.expectation)[0]
        verdicts.append(Verdict("faces", sample.correct, one.value == 1.0, one.reason, image))
    return verdicts


def table(conditions: dict[str, list[Verdict]]) -> str:
    """A row a condition and task."""
    rows = []
    for condition, verdicts in conditions.items():
        groups = by_task(verdicts)
        if len(groups) > 1:
            groups["all"] = list(verdicts)
        for task, group in groups.items():
            cells = [_percent(values) for values in rates(group).values()]
            rows.append([condition, task, str(len(group)), *cells])
    head = ["pictures", "task", "images", "agreement", "precision", "recall"]
    return pages.table(head, rows)


def _percent(values: Sequence[float]) -> str:
    if np.isnan(values[0]):
        return "none called correct"
    share, low, high = (round(100 * value) for value in values)
    return f"{share} % ({low} to {high})"


def sizes(detector: Detector, number: int, seed: int) -> str:
    """How often an object alone is seen, by its longer side as a share of the image's."""
    rows = []
    for one in cutouts("held"):
        rng, cells = np.random.default_rng(seed), []
        for size in SIZES:
            seen = 0
            for _ in range(number):
                x, y = rng.uniform(0.3, 0.7, 2)
                image = collage(rng, "held", [Placed(one, x, y, size)])
                seen += bool(detector.detect(image, [one.class_]))
            cells.append(f"{seen / number:.0%}")
        rows.append([one.class_, *cells])
    head = ["object", *(f"{size:.0%} ({round(size * SIDE)} px)" for size in SIZES)]
    return pages.table(head, rows)


def milliseconds(ask: Callable[[Pixels], object], images: Sequence[Pixels]) -> float:
    """Median CPU time an image, on one thread."""
    spent = []
    for image in images:
        start = time.process_time()
        ask(image)
        spent.append(1000.0 * (time.process_time() - start))
    return float(np.median(spent))


def picture(verdicts: Sequence[Verdict]) -> None:
    """Ten wrong verdicts with what the judge said, two of each task where there are so many."""
    wrong = [one for one in verdicts if one.said != one.correct]
    groups = by_task(wrong)
    turns = [group[turn] for turn in range(10) for group in groups.values() if turn < len(group)]
    side, high, font = 250, 48, ImageFont.load_default(13)
    sheet = Image.new("RGB", (5 * side, 2 * (side + high)), "white")
    pen = ImageDraw.Draw(sheet)
    for index, one in enumerate(turns[:10]):
        x, y = index % 5 * side, index // 5 * (side + high)
        shown = Image.fromarray(one.image).resize((side - 6, side - 6))
        sheet.paste(shown, (x + 3, y + 3))
        said = one.reason or f"asked for {one.asked}, called correct"
        words = f"{one.task}: {said.partition('; ')[0]}"
        for line, text in enumerate(_lines(words, 38)[:3]):
            pen.text((x + 4, y + side + 15 * line), text, fill="black", font=font)
    sheet.save(PICTURE, quality=80)


def _lines(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def embedded(name: str) -> AnyJudge:
    """The document of an embedded judge."""
    data = yaml.safe_load((EMBEDDED / f"{name}.yaml").read_text(encoding="utf-8"))
    return judge_class(data).model_validate(data)


def save(document: AnyJudge, what: str, found: Sequence[Judged]) -> None:
    """Puts what was measured of an embedded judge into calibration.json, over what was known."""
    path = EMBEDDED / "calibration.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known = {key: value for key, value in known.items() if value["judge"] != document.judge}
    measured = calibration(document.judge, what, found)
    known[judge_fingerprint(Path(), document)] = measured.to_dict()
    text = json.dumps(dict(sorted(known.items(), key=lambda item: item[1]["judge"])), indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def labelled(verdicts: Sequence[Verdict]) -> list[Judged]:
    """Verdicts as `imgassets calibrate` has them."""
    return [
        Judged(
            JudgeLabel(image="made", expect=Expectation(), correct=one.correct, task=one.task),
            one.said,
            one.reason,
        )
        for one in verdicts
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=120, help="images a task")
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    if not all_there():
        raise SystemExit(f"set {SOURCES}, as photo_cutouts.py says")
    cv2.setNumThreads(1)
    small, faces = embedded("coco-small"), embedded("faces")
    detector, judge = open_judge(Path(), small, "cpu"), open_judge(Path(), faces, "cpu")
    found = list(samples("held", options.number, options.seed))
    objects = {name: judged(detector, found, name) for name in CONDITIONS}
    number = 2 * options.number
    seen = {name: faces_judged(judge, number, options.seed, name) for name in CONDITIONS}
    images = [sample.image for sample in found[:: len(found) // 40]]
    speed = {
        "coco-small": milliseconds(lambda image: detector.detect(image, detector.classes), images),
        "faces": milliseconds(judge.faces, images),
    }
    picture(objects["as made"])
    save(small, WHAT, labelled(objects["as made"]))
    save(faces, WHAT, labelled(seen["as made"]))
    parts = _parts(objects, seen, sizes(detector, 12, options.seed), speed)
    print(pages.write("photographs", "Photographs", parts, "judge_accuracy"))
    for name, verdicts in objects.items():
        print(name, {task: rates(group)["agreement"] for task, group in by_task(verdicts).items()})


def _parts(
    objects: dict[str, list[Verdict]],
    seen: dict[str, list[Verdict]],
    smallest: str,
    speed: dict[str, float],
) -> list[str]:
    text = Path(__file__).with_name("photographs_text.md").read_text(encoding="utf-8")
    made = {
        "objects": table(objects),
        "faces": table(seen),
        "sizes": smallest,
        "milliseconds": " and ".join(f"{value:.0f} ms ({k})" for k, value in speed.items()),
        "tasks": str(len(TASKS)),
    }
    for name, value in made.items():
        text = text.replace("{{ " + name + " }}", value)
    return [text]


if __name__ == "__main__":
    main()
