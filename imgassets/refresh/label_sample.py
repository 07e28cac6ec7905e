"""Which images people should judge: a random sample of prompts, as a table to fill in.

Labels correct a judge only where they were drawn at random: who labels failures alone learns of
failures alone. Prompts are put into an order by the hash of a seed and their name, and the first
are taken, so that a larger sample holds a smaller one and goes on where it ended.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgassets.documents.contract import Endpoint
from imgassets.documents.drawing import draw
from imgassets.documents.labels import ASIDE, COLUMNS
from imgassets.documents.project import Project
from imgassets.metrics.families import METRICS, by_people, of_making
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of
from imgassets.storage.whole_file import write_whole

_HEAD = (*COLUMNS, *ASIDE)


@dataclass(frozen=True)
class ToLabel:
    """One question to a person: what is the `metric` of this image?"""

    prompt_id: str
    flow: str
    image_key: str
    metric: str


def label_sample(
    project: Project, endpoint: str, prompts: int, seed: int = 0, metrics: Sequence[str] = ()
) -> list[ToLabel]:
    """All judged images of some prompts, drawn at random: every model, seed and flow.

    The order is random too, so that models do not stand together.

    Args:
        project: the documents.
        endpoint: its images were judged before (`imgassets validate`).
        prompts: how many; all there are, where they are fewer.
        seed: another one draws other prompts.
        metrics: what people are asked; all shares that a criterion names, where it is empty.

    Raises:
        LookupError: no such endpoint.
        ValueError: nothing was judged yet, or no criterion names such a metric.
    """
    if endpoint not in project.endpoints:
        raise LookupError(f"no endpoint {endpoint!r}; there are: {', '.join(project.endpoints)}")
    contract = project.endpoint(endpoint)
    wanted = _asked(contract, metrics)
    rows = list(dict.fromkeys(_judged(project, contract, wanted)))
    if not rows:
        raise ValueError(f"no image of {endpoint} was judged; run `imgassets validate` first")
    names = sorted({row.prompt_id for row in rows}, key=lambda name: draw(seed, endpoint, name))
    drawn = set(names[:prompts])
    chosen = {(row.image_key, row.metric): row for row in rows if row.prompt_id in drawn}
    return sorted(chosen.values(), key=lambda row: (draw(seed, row.image_key), row.metric))


def write_sample(project: Project, rows: Iterable[ToLabel], file: Path) -> int:
    """Adds rows to a table of labels, below those it has; returns how many were not in it.

    Raises:
        ValueError: the file has other columns than this writes.
    """
    before = file.read_text(encoding="utf-8-sig") if file.exists() else ",".join(_HEAD) + "\n"
    there = csv.DictReader(io.StringIO(before))
    if list(there.fieldnames or ()) != list(_HEAD):
        raise ValueError(f"{file} has other columns than {','.join(_HEAD)}; give another --output")
    known = {(row["image_key"], row["metric"]) for row in there}
    new = [row for row in rows if (row.image_key, row.metric) not in known]
    text = io.StringIO()
    writer, store = csv.writer(text, lineterminator="\n"), store_of(home_of(project.root))
    shown = _prompts(project)
    for row in new:
        image = store.path(row.image_key)
        near = image.relative_to(project.root) if image.is_relative_to(project.root) else image
        words = shown.get((row.prompt_id, row.flow), "")
        writer.writerow([row.image_key, row.metric, "", "", "", words, near])
    write_whole(file, before + ("" if before.endswith("\n") else "\n") + text.getvalue())
    return len(new)


def _asked(contract: Endpoint, metrics: Sequence[str]) -> set[tuple[str, str]]:
    """(metric, flow) that people are asked."""
    means = [
        c
        for c in contract.all_criteria
        if c.statistic == "mean"
        and c.metric in METRICS
        and not (of_making(c.metric) or by_people(c.metric))
    ]
    found: set[tuple[str, str]] = {
        (c.metric, c.flow)
        for c in means
        if (c.metric in metrics if metrics else c.definition.unit == "share")
    }
    missing = sorted(set(metrics) - {metric for metric, _ in found})
    if missing or not found:
        what = ", ".join(missing) or "a share that people can see"
        raise ValueError(f"no criterion of {contract.endpoint} is the mean of {what}")
    return found


def _judged(
    project: Project, contract: Endpoint, wanted: set[tuple[str, str]]
) -> Iterator[ToLabel]:
    import pandas as pd

    families = sorted({METRICS[metric].family for metric, _ in wanted})
    home = home_of(project.root)
    for model in contract.models:
        for family in families:
            path = home.output((contract.endpoint, model, family))
            if not path.is_file():
                raise ValueError(f"{path.name} of {model} is missing; run `imgassets validate`")
            columns = ["prompt_id", "flow", "image_key", "metric", "value"]
            rows = pd.read_parquet(path, columns=columns)
            for *where, value in rows.itertuples(index=False, name=None):
                prompt, flow, key, metric = map(str, where)
                if (metric, flow) in wanted and not math.isnan(value):
                    yield ToLabel(prompt, flow, key, metric)


def _prompts(project: Project) -> dict[tuple[str, str], str]:
    """What an image must show, in words, by (prompt id, flow)."""
    found: dict[tuple[str, str], str] = {}
    for contract in project.usable_endpoints():
        for prompt in (p for s in project.prompts_of(contract) for p in s.prompts):
            for flow in contract.flows:
                edit = prompt.edit if contract.edited(flow) else None
                found[prompt.id, flow] = edit.prompt if edit else prompt.prompt
    return found
