"""One live line on a terminal: what is being done, how much of it, how fast, and the time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from imgassets.refresh.plan_text import duration

_WIDE = 72  # columns that a bar fits into


class _Console(Console):
    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002 - rich's signature
        """The cursor stays: a process that is killed could not give it back."""
        return False


def _whole(**more: Any) -> Column:
    """A column that is never wrapped."""
    return Column(no_wrap=True, **more)


class _Bar(BarColumn):
    def render(self, task: Task) -> RenderableType:  # type: ignore[override]
        return super().render(task) if task.total else Text("")


class Numbers(ProgressColumn):
    """`31/72  2.1/s  19 s left`, or for how long something goes on that has no numbers."""

    def render(self, task: Task) -> Text:
        """See the class."""
        if not task.total:
            return Text(duration(task.elapsed or 0.0))
        parts = [f"{task.completed:.0f}/{task.total:.0f}", rate(task.speed)]
        if task.time_remaining is not None:
            parts.append(f"{duration(task.time_remaining)} left")
        return Text("  ".join(filter(None, parts)))


class Live:
    """Shows one thing at a time; what is done leaves a line behind.

    Attributes:
        keep: whether what has no numbers leaves one as well.
    """

    def __init__(self, keep: bool = False) -> None:
        self.keep = keep
        console = _Console(stderr=True, highlight=False)
        # A narrow terminal has no bar, and a long name is cut: the line stays one line.
        what = TextColumn("{task.description}", table_column=_whole(overflow="ellipsis"))
        bar = [_Bar(20)] if console.width >= _WIDE else []
        columns = (SpinnerColumn("line"), what, *bar, Numbers(table_column=_whole()))
        self._progress = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, refresh_per_second=5
        )
        self._what, self._since, self._done, self._of = "", 0.0, 0, 0

    @property
    def usable(self) -> bool:
        """Whether standard error is a terminal that can move its cursor."""
        return self._progress.console.is_terminal and not self._progress.console.is_dumb_terminal

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._end()
        self._progress.stop()

    def show(self, what: str, done: int | None = None, of: int | None = None) -> None:
        """See `progress.Show`."""
        if what != self._what:
            self._end()
            self._what, self._since = what, time.monotonic()
            self._progress.add_task(what, total=None)
        if of is None or done is None:
            return
        self._done, self._of = done, of
        self._progress.update(self._progress.task_ids[-1], completed=done, total=of)
        if done >= of:
            self._end()

    def _end(self) -> None:
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        if self._what and (self._of or self.keep):
            self._progress.console.print(self._summary(), markup=False, soft_wrap=True)
        self._what, self._done, self._of = "", 0, 0

    def _summary(self) -> str:
        took = time.monotonic() - self._since
        if not self._of:
            return f"{self._what}  in {duration(took)}"
        each = rate(self._done / took if took else None)
        return f"{self._what}  {self._done}/{self._of}  in {duration(took)}  {each}".rstrip()


def rate(speed: float | None) -> str:
    """`2.1/s`, or `4.8 s each` for what is slower than one a second."""
    if not speed:
        return ""
    return f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each"
