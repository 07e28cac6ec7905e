"""Runs a staged swap from end to end in simulated time, and draws docs/rollout-timeline.svg.

    python -m imgassets_tests.benchmarks.rollout_timeline

100,000 requests a day, of which 1 % fail. From the stage of 10 % on the candidate fails twice as
often. The application asks by OpenFeature's SDK, the watcher looks every ten minutes, an operator
tries to promote as often: all of it is what the product does, and the picture is drawn from the
log, the looks and the history that are left behind.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from imgassets.rollout.looks import looks_of
from imgassets.rollout.record import read_record
from imgassets_tests.rollout.staged_swap import BEGIN, ENDPOINT, OUTCOMES, Swap, planted

PICTURE = Path(__file__).parents[2] / "docs/rollout-timeline.svg"
HOURS, MIN_HOURS = 48, 12
COLORS = {"candidate": "#c2410c", "incumbent": "#1d4ed8"}
MARKS = {"fine": ("o", "#15803d"), "hold": ("s", "#a16207"), "breach": ("X", "#b91c1c")}


def hours(at: datetime) -> float:
    """Since the rollout began."""
    return (at - BEGIN) / timedelta(hours=1)


def by_two_hours(swap: Swap, arm: str) -> tuple[list[float], list[float]]:
    """Middles of stretches of two hours, and percent of an arm's requests that failed in each."""
    with sqlite3.connect(swap.log.file) as database:
        rows = database.execute(
            "SELECT cast((at - ?) / 7200 AS INTEGER), avg(status != 'ok') FROM outcomes"
            " WHERE arm = ? GROUP BY 1 HAVING count(*) >= 50 ORDER BY 1",
            (BEGIN.timestamp(), arm),
        ).fetchall()
    return [2 * slot + 1 for slot, _ in rows], [100 * rate for _, rate in rows]


def draw(swap: Swap, ended: float) -> None:
    """The picture: percent of users above, failures and looks below."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    mpl.rcParams.update({"font.size": 10, "svg.hashsalt": "rollout", "font.family": "DejaVu Sans"})
    figure, (users, failures) = pyplot.subplots(
        2, 1, figsize=(10, 6.2), sharex=True, height_ratios=[2, 3], layout="constrained"
    )
    draw_users(users, swap, ended)
    draw_failures(failures, swap)
    failures.set_xlabel("hours since the rollout began (simulated)")
    failures.set_xlim(-0.5, ended)
    figure.savefig(PICTURE, metadata={"Date": None})


def draw_users(axes: Any, swap: Swap, ended: float) -> None:
    """Percent of users with the candidate, with what the history tells."""
    entries = read_record(swap.files).of(ENDPOINT)
    at = [*(hours(datetime.fromisoformat(e.at)) for e in entries), ended]
    percents = [*(e.percent for e in entries), entries[-1].percent]
    axes.step(at, percents, where="post", color=COLORS["candidate"], linewidth=2)
    axes.fill_between(at, percents, step="post", color=COLORS["candidate"], alpha=0.15)
    for entry, when in zip(entries, at, strict=False):
        words = f"{entry.event}\n{entry.stage}" if entry.event != "revert" else "reverted\nby watch"
        axes.annotate(words, (when, entry.percent), (4, 6), textcoords="offset points")
        axes.axvline(when, color="#9ca3af", linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 15)
    axes.set_ylabel("% of users with\nthe candidate")
    axes.set_title("A fault doubles failures at 10 %, and the rollout is taken back", loc="left")


def draw_failures(axes: Any, swap: Swap) -> None:
    """Failures of both arms by two hours, and the candidate's rate at each look."""
    for arm, color in COLORS.items():
        axes.plot(*by_two_hours(swap, arm), color=color, linewidth=1.5, label=f"{arm}, by 2 hours")
    begun = read_record(swap.files).of(ENDPOINT)[0]
    looks = looks_of(swap.log, begun.hash)
    for state, (mark, color) in MARKS.items():
        found = [(w, f) for w, _, f in looks if f.state == state]
        axes.scatter(
            [hours(when) for when, _ in found],
            [100 * seen.stage.candidate.rate for _, seen in found],
            marker=mark, color=color, s=36 if state != "breach" else 130, zorder=3,
            label=f"look: {state}",
        )  # fmt: skip
    axes.set_ylim(0, 4.5)
    axes.set_ylabel("% of requests that failed\n(looks: the candidate's, in the stage)")
    axes.legend(loc="upper left", ncols=2, frameon=False)


def told(swap: Swap, moments: Sequence[Any]) -> None:
    """What happened, for docs/outcomes.md."""
    for entry in read_record(swap.files).of(ENDPOINT):
        print(entry.at, entry.event, entry.stage, entry.reason)
    print(f"{sum(m.acknowledged for m in moments):,} outcomes")


def main() -> None:
    """Runs and draws."""
    with tempfile.TemporaryDirectory() as folder:
        told_of = {**OUTCOMES, "min_requests": 200}
        swap = Swap(
            Path(folder), requests=694, fails=planted(["10", "50", "100"], 2.0), outcomes=told_of,
            min_hours=MIN_HOURS,
        )  # fmt: skip
        moments = []
        for moment in swap.run(HOURS):
            moments.append(moment)
            if len(moments) > 36 and moments[-36].watched.done:  # six hours after the way back
                break
        told(swap, moments)
        draw(swap, hours(moments[-1].now))


if __name__ == "__main__":
    main()
