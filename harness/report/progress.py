"""What the terminal shows while a run goes on: what is measured, the time left, each row as it comes.

On a terminal one live line beneath the rows; elsewhere a plain line for each case, once; with --format json
nothing on standard output, where only the answer belongs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as Bar,
)

from harness import folders, store, summary
from harness.errors import BadInput
from harness.record import Case, Json
from harness.report import cells, table
from harness.report.remaining import Remaining
from harness.rows import CaseSummary
from harness.runner import Plan
from harness.settings import Settings
from harness.store import Run

#: Letters of the bar, and of a terminal that has room for it.
BAR, WIDE = 12, 60


class Progress:
    """A `Watch` for the runner."""

    def __init__(
        self,
        run: Run,
        *,
        quiet: bool = False,
        console: Console | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._console = console or Console(stderr=quiet, highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._now = now
        self._started = now()
        self._remaining: Remaining | None = None
        self._rows: dict[str, CaseSummary] = {}
        self._what = "starting"

    def __enter__(self) -> Progress:
        self.say(f"{cells.heading(self._run.info)}")
        self.say(f"results: {self._run.folder}")
        if self._console.is_terminal and not self._quiet:
            columns = (TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
            bar = [BarColumn(BAR)] if self._bars() else []
            self._bar = Bar(*bar, *columns, console=self._console, transient=True)
            self._task = self._bar.add_task("starting", total=None)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def planned(self, plan: Plan, settings: Settings) -> None:
        """What the run is to measure, before its first launch; an earlier try may have made some."""
        self._started = self._now()
        self._remaining = Remaining(plan, settings, self._earlier())
        for launch in self._run.launches:
            self._remaining.add(launch)
        self._show()

    def _earlier(self) -> list[Json]:
        """The launches of this machine's last run of the same profile: how long each takes here."""
        for folder in reversed(folders.beside(self._run.folder)):
            try:
                run = store.read(folder)
            except BadInput:  # A run that cannot be read is no reason not to measure.
                continue
            if run.info["profile"] == self._run.info["profile"]:
                return run.launches
        return []

    def begins(self, group: list[Case], kind: str, launch: int) -> None:
        self._what = f"{group[0].group} {kind} {launch + 1}"
        self._show()

    def ends(self, group: list[Case], launch: Json) -> None:
        if self._remaining is not None:
            self._remaining.add(launch)
        self._show()

    def measured(self, group: list[Case]) -> None:
        """The group's rows, each on one line; elsewhere than on a terminal only the first time."""
        found = summary.summarise(self._run, groups=[group[0].group])
        known = group[0].id in self._rows
        self._rows |= {row.case.id: row for row in found}
        if self._bar is not None or not known:
            for row in found:
                self.say(table.line(row))
        self._show()

    def left(self) -> float | None:
        """Seconds that the run still takes; None before its first launch."""
        return self._remaining.seconds(self._now() - self._started) if self._remaining else None

    def _bars(self) -> bool:
        return self._console.width >= WIDE

    def _room(self) -> int:
        """Letters beside the bar and the time."""
        return self._console.width - len("0:00:00 ") - (BAR + 1 if self._bars() else 0)

    def _show(self) -> None:
        if self._bar is None or self._task is None or self._remaining is None:
            return
        made, expected = self._remaining.launches()
        count, left = f"{made}/{expected} launches", _left(self.left())
        line = fitting(self._room(), self._what, count, left, _found(self._rows.values()))
        self._bar.update(self._task, completed=made, total=expected, description=line)


def fitting(room: int, what: str, count: str, left: str, found: str) -> str:
    """The most that `room` letters hold, with no part of it cut; the least is the time that is left."""
    name = what.partition("/")[0]
    wishes = (
        (what, count, left, found),
        (name, count, left, found),
        (what, count, left),
        (name, count, left),
        (count, left),
    )
    lines = ("  ".join(filter(None, parts)) for parts in wishes)
    return next((line for line in lines if len(line) <= room), left)


def _left(seconds: float | None) -> str:
    """``about 6 min left``: no more digits than it is good for."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s left"
    return f"about {round(seconds / 60)} min left"


def _found(rows: Iterable[CaseSummary]) -> str:
    """How many variants are faster so far, slower, or neither yet."""
    speedups = [row.speedup for row in rows if row.speedup and not row.case.is_baseline]
    faster = sum(one.low > 1 for one in speedups)
    slower = sum(one.high < 1 for one in speedups)
    open_ = len(speedups) - faster - slower
    return f"so far {faster} faster, {slower} slower, {open_} not told apart" if speedups else ""
