"""What `coco-small`'s thresholds were chosen by, below the numbers of `judge_accuracy`.

    OPENCV_SOURCES=... python -m imgassets_tests.benchmarks.judge_tuning

One setting is moved at a time, the others stay as shipped, on the part of the photographs that the
reported numbers are not from. The network looks at each image once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imgassets.documents.judge import SsdMobilenet
from imgassets.judges.registry import open_judge
from imgassets.judges.ssd_mobilenet import SsdMobilenetDetector
from imgassets_tests.benchmarks import pages
from imgassets_tests.benchmarks.judge_accuracy import by_task, embedded, judged, rates
from imgassets_tests.benchmarks.photo_cutouts import SOURCES, all_there
from imgassets_tests.benchmarks.photo_scenes import TASKS, Sample, samples

MOVED: dict[str, tuple[float, ...]] = {
    "presence": (0.1, 0.15, 0.2, 0.25, 0.3, 0.5),
    "counting": (0.3, 0.4, 0.5, 0.6, 0.7),
    "max_overlap": (0.3, 0.4, 0.5, 0.6),
    "max_overlap_across": (0.5, 0.7, 0.9, 0.95, 1.0),
}


class Remembering:
    """A session of onnxruntime that looks at each image once."""

    def __init__(self, session: Any) -> None:
        self._session, self._known = session, dict[bytes, Any]()

    def run(self, outputs: list[str], inputs: dict[str, Any]) -> Any:
        """See `onnxruntime.InferenceSession.run`."""
        key = inputs["image"].tobytes()[:: 4 * 97]
        if key not in self._known:
            self._known[key] = self._session.run(outputs, inputs)
        return self._known[key]


def moved(shipped: SsdMobilenet, name: str, value: float) -> SsdMobilenet:
    """The document with one setting moved."""
    data = shipped.model_dump(by_alias=True)
    (data["thresholds"] if name in data["thresholds"] else data)[name] = value
    return SsdMobilenet.model_validate(data)


def rows(session: Any, shipped: SsdMobilenet, found: Sequence[Sample]) -> list[list[str]]:
    """A row a setting: agreement by task, its mean, and recall of all correct images."""
    made = []
    for name, values in MOVED.items():
        current = getattr(shipped.thresholds, name, None) or getattr(shipped, name, None)
        for value in values:
            if name == "presence" and value >= shipped.thresholds.counting:
                continue
            detector = SsdMobilenetDetector(session, moved(shipped, name, value))
            verdicts = judged(detector, found, "as made")
            shares = [rates(group)["agreement"][0] for group in by_task(verdicts).values()]
            recall = rates(verdicts)["recall"][0]
            label = f"**{value}**" if value == current else str(value)
            cells = [f"{share:.0%}" for share in (*shares, float(np.mean(shares)), recall)]
            made.append([f"`{name}`", label, *cells])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=60, help="images a task")
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    if not all_there():
        raise SystemExit(f"set {SOURCES}, as photo_cutouts.py says")
    cv2.setNumThreads(1)
    shipped = embedded("coco-small")
    assert isinstance(shipped, SsdMobilenet)
    session = Remembering(open_judge(Path(), shipped, "cpu")._session)
    found = list(samples("tune", options.number, options.seed))
    head = ["setting", "value", *TASKS, "mean", "recall"]
    text = (
        "## Settings, one moved at a time\n\n"
        f"On the other part of the photographs, {options.number} images a task: agreement by task, "
        "its mean, and the recall of correct images of all tasks. Bold is what ships.\n"
    )
    print(
        pages.append(
            "photographs", "judge_tuning", [text, pages.table(head, rows(session, shipped, found))]
        )
    )


if __name__ == "__main__":
    main()
