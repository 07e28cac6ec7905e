"""`imgassets calibrate`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import OK, Json, show
from imgassets.cli.progress import Quiet, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgassets.metrics.judge_accuracy import Judged
    from imgassets.storage.calibrations import Accuracy, Calibration, Interval

_SHOWN = 10


def calibrate(
    judge: Annotated[
        str,
        typer.Argument(
            metavar="JUDGE", help="An embedded judge, one of contracts/judges, or a document."
        ),
    ],
    labels: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help='JSON lines: {"image": "a.png", "expect": {"include": [{"class": "cat"}]}, '
            '"correct": true}, "task" and "prompt" if you like.',
        ),
    ],
    images: Annotated[Path, typer.Option(metavar="DIR", help="The folder the images are in.")],
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Measure how often a judge is right.

    Holds a judge's verdicts on images against labels that say what is true: by people, or because
    the images were made so. Agreement, precision and recall by task, each with its 95 % interval,
    are kept under the judge's fingerprint and shown beside its scores; another threshold or weight
    makes another fingerprint, and asks for another calibration. Exit 2 on bad input.
    """
    from imgassets.backends.device import choose_device
    from imgassets.cli.judges import judge_named
    from imgassets.documents.judge import judge_fingerprint
    from imgassets.documents.judge_labels import read_judge_labels
    from imgassets.documents.project import find_root
    from imgassets.judges.registry import open_judge
    from imgassets.metrics import judge_accuracy
    from imgassets.storage.calibrations import calibrations_of
    from imgassets.storage.project_home import home_of

    root, document = judge_named(judge)
    labelled = read_judge_labels(labels, images)
    opened = open_judge(root, document, choose_device("auto")[0])
    with shown(quiet) as tell:
        progress = partial(tell, f"{document.judge}: judged")
        found = judge_accuracy.judged(document, opened, labelled, images, progress)
    measured = judge_accuracy.calibration(document.judge, str(labels), found)
    fingerprint = judge_fingerprint(root, document)
    path = calibrations_of(home_of(find_root())).keep(fingerprint, measured)
    told = measured.to_dict() | {"fingerprint": fingerprint, "file": str(path)}
    show(json, told, "\n".join([*_table(measured), *_wrong(found), f"kept in {path}"]))
    return OK


def _table(found: Calibration) -> list[str]:
    """One line a task."""
    able = found.images - found.unjudged
    lines = [f"{found.judge}: {able} of {found.images} images judged"]
    lines.append(f"{'task':14} {'images':>6}  {'agreement':18} {'precision':18} recall")
    rows = {**found.tasks, "all": found.overall} if len(found.tasks) > 1 else found.tasks
    return lines + [_row(task, accuracy) for task, accuracy in rows.items()]


def _row(task: str, accuracy: Accuracy) -> str:
    agreement, precision = _percent(accuracy.agreement), _percent(accuracy.precision)
    recall = _percent(accuracy.recall)
    return f"{task:14} {accuracy.n:6}  {agreement:18} {precision:18} {recall}"


def _percent(interval: Interval | None) -> str:
    if interval is None:
        return "nothing to tell it"
    value, low, high = (100 * part for part in interval)
    return f"{value:.1f} % ({low:.0f} to {high:.0f})"


def _wrong(found: Sequence[Judged]) -> list[str]:
    """The first wrong verdicts and the first that could not be given, to look at."""
    wrong = [one for one in found if one.wrong]
    lines = [f"{len(wrong)} wrong:"] if wrong else []
    for one in wrong[:_SHOWN]:
        why = one.reason or "it found nothing wrong"
        lines.append(f"  {one.label.image}: {why}")
    unjudged = [one for one in found if one.said is None]
    lines += [f"{len(unjudged)} not judged:"] if unjudged else []
    return lines + [f"  {one.label.image}: {one.reason}" for one in unjudged[:_SHOWN]]
