"""What becomes of a case between two versions of it: the verdicts, and when they fail a check. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness import units
from harness.errors import BadInput
from harness.record import Json
from harness.rows import CaseSummary
from harness.stats import Interval

#: A change of bytes, which are counted, that is none; and of those of child processes, which are watched.
SAME_BYTES, SAME_SEEN = 0.005, 0.05
METRICS = ("time", "memory", "compile", "results")
#: What a metric is called when it grows and when it shrinks.
WORDS = {"time": ("slower", "faster"), "memory": ("more", "less"), "compile": ("slower", "faster")}
WORSE = ("slower", "more", "different", "fails")


@dataclass(frozen=True)
class Change:
    """What became of one metric of one case."""

    verdict: str
    """``slower``, ``faster``, ``same``, ``unclear``, ``more``, ``less``; of results ``identical``, ``equal``,
    ``different``, ``fails``, ``works``; with ``possibly`` before it if two stored runs say so."""
    reason: str = ""
    ratio: Interval | None = None
    """B / A."""
    p: float | None = None
    """Of no change, adjusted for the number of cases."""


@dataclass(frozen=True)
class Compared:
    """One case on both sides."""

    name: str
    changes: Mapping[str, Change]

    @property
    def worse(self) -> bool:
        return any(one.verdict.removeprefix("possibly ") in WORSE for one in self.changes.values())


@dataclass(frozen=True)
class Comparison:
    a: str
    b: str
    live: bool
    cases: Sequence[Compared]
    warnings: Sequence[str] = field(default=())
    calibration: str = ""
    """What is known of the machine's false alarms; see calibration.beside."""


@dataclass(frozen=True)
class View:
    """A stored run, or a part of its launches."""

    info: Json
    launches: Sequence[Json]


def within(ratio: Interval, margin: float) -> bool:
    return ratio.low >= 1 - margin and ratio.high <= 1 + margin


def memory(a: CaseSummary, b: CaseSummary) -> Change | None:
    """At the peak, with what its processes have. Bytes are counted and repeatable: one launch tells."""
    if a.memory is None or b.memory is None or not a.memory.whole:
        return None
    value = b.memory.whole / a.memory.whole
    ratio = Interval(value, value, value, min(a.memory.peak.n, b.memory.peak.n))
    said = f"{units.size(a.memory.whole)} to {units.size(b.memory.whole)}"
    if within(ratio, SAME_SEEN if a.memory.children or b.memory.children else SAME_BYTES):
        return Change("same", said, ratio)
    return Change(WORDS["memory"][0 if value > 1 else 1], said, ratio)


@dataclass(frozen=True)
class Bound:
    """``slower:5%``: what fails a check."""

    metric: str
    verdict: str
    share: float

    def broken_by(self, change: Change, live: bool) -> bool:
        """Told from no change, and larger than the bound; of two stored runs its whole interval must be."""
        if change.verdict.removeprefix("possibly ") != self.verdict:
            return False
        if change.ratio is None:
            return True
        return (change.ratio.point if live else change.ratio.low) > 1 + self.share


#: What --fail-on takes, with the metric and the verdict that it is about.
BOUNDS = {
    "slower": ("time", "slower"),
    "memory": ("memory", "more"),
    "compile": ("compile", "slower"),
    "different": ("results", "different"),
    "fails": ("results", "fails"),
}


def bound(text: str) -> Bound:
    """Of ``slower:5%``, ``memory:1%``, ``compile:20%``, ``different`` or ``fails``. Raises BadInput."""
    match = re.fullmatch(r"(\w+)(?::(\d+(?:\.\d+)?)\s*%)?", text.strip())
    if not match or match[1] not in BOUNDS or (match[2] and BOUNDS[match[1]][0] == "results"):
        raise BadInput(f"--fail-on {text!r}: write slower:5%, memory:1%, compile:20%, different or fails")
    return Bound(*BOUNDS[match[1]], float(match[2] or 0) / 100)


def failures(comparison: Comparison, bounds: Sequence[Bound]) -> list[str]:
    """A line for each case and bound that it breaks. A case that fails now breaks every bound."""
    return [
        f"{case.name}: {metric} {change.verdict}" + (f", {change.reason}" if change.reason else "")
        for case in comparison.cases
        for metric, change in case.changes.items()
        if any(one.metric == metric and one.broken_by(change, comparison.live) for one in bounds)
        or (bounds and change.verdict == "fails")
    ]
