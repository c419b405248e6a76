"""What a figure is: found in the rows of a run, or lacking with a reason. Types only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness import units
from harness.rows import CaseSummary, Memory, Timing
from harness.stats import Interval


class NotMeasured(Exception):
    """There is no such figure; the message says why."""


@dataclass(frozen=True)
class Found:
    value: Interval
    show: units.Show
    effects: tuple[float, ...] = ()
    """One value of each launch, where more launches would narrow the interval."""
    logs: bool = False
    """Whether `effects` are logs of the figure."""
    note: str = ""
    """What a reader should know besides."""


@dataclass(frozen=True)
class Family:
    """Cases that one figure is about, and what the other variants did on the same workloads."""

    rows: Sequence[CaseSummary]
    peers: Mapping[str, Sequence[CaseSummary]]

    @property
    def row(self) -> CaseSummary:
        """The case, of a figure of one case."""
        return self.rows[0]


@dataclass(frozen=True)
class Figure:
    of: Callable[[Family], Found]
    kind: str = ""
    """The kind of launch that it is read from; empty for any."""
    over: tuple[str, ...] | None = ()
    """The parameters that differ within one figure; None for every workload of a phase together."""
    fewest: int = 1
    """How many cases one figure takes."""


def timing(row: CaseSummary) -> Timing:
    """Raises NotMeasured if the case was not timed."""
    if row.timing is None:
        raise NotMeasured(row.failure or "no timing launch of it in this run")
    return row.timing


def memory(row: CaseSummary) -> Memory:
    """Raises NotMeasured if its memory was not."""
    if row.memory is None:
        raise NotMeasured(row.failure or "no memory launch of it in this run")
    return row.memory


def too_few(family: Family, have: int, what: str, fewest: int = 3) -> str:
    """Why a figure over a scale has none, with what failed of it."""
    failures = [f"{row.case.id}: {row.failure}" for row in family.rows if row.failure]
    return "; ".join([f"takes {fewest} {what}, this run has {have}", *failures[:2]])
