"""What the terminal shows while a run goes on: what is measured, the time left, each row as it comes.

On a terminal one live line beneath the rows; elsewhere a plain line for each group; with --format json
nothing on standard output, where only the answer belongs.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from harness import summary
from harness.record import Case, Json
from harness.report import cells, table
from harness.store import Run


class Progress:
    """A `Watch` for the runner."""

    def __init__(self, run: Run, *, quiet: bool = False, console: Console | None = None) -> None:
        self._run = run
        self._console = console or Console(stderr=quiet, highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        self.say(f"{cells.heading(self._run.info)}")
        self.say(f"results: {self._run.folder}")
        if self._console.is_terminal and not self._quiet:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("launches"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=self._console, transient=True)
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

    def planned(self, made: int, launches: int) -> None:
        """How many launches the run has at least, and how many of them an earlier try has made."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=launches, completed=made)

    def begins(self, group: list[Case], kind: str, launch: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"{group[0].group} {kind} {launch + 1}")

    def ends(self, group: list[Case], launch: Json) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)

    def measured(self, group: list[Case]) -> None:
        """The group's rows, each on one line."""
        for row in summary.summarise(self._run, groups=[group[0].group]):
            self.say(table.line(row))
