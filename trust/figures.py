"""What the verdicts of a session come to, tool by tool. Derived from the journal's lines each time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from trust.journal import Json
from trust.tools import ROWS
from trust.verdicts import FAILED, FASTER, SLOWER
from trust.workloads import NOTHING, WORKLOADS

SHARES = (0.02, 0.05, 0.10)
#: A ratio is read right if its error is within this: +5 % as 4 to 6 %.
CLOSE = 0.01


@dataclass(frozen=True)
class Answer:
    """One verdict with what was planted."""

    tool: str
    work: str
    share: float
    truth: float
    said: str
    ratio: float | None
    level: float | None
    seconds: float

    @property
    def error(self) -> float | None:
        """Of the ratio, as a share of the true one."""
        return None if self.ratio is None else abs(self.ratio / self.truth - 1)


@dataclass(frozen=True)
class Count:
    """`of` cases, with the one-sided 95 % bound by Clopper and Pearson (Biometrika 26, 1934)."""

    found: int
    of: int

    @property
    def share(self) -> float:
        return self.found / self.of if self.of else 0.0

    @property
    def upper(self) -> float:
        return float(self._bound().high)

    @property
    def lower(self) -> float:
        return float(self._bound().low)

    def _bound(self) -> Any:
        from scipy.stats import binomtest

        return binomtest(self.found, max(self.of, 1)).proportion_ci(0.90, method="exact")


@dataclass(frozen=True)
class Row:
    """One tool under one condition."""

    tool: str
    false_alarms: Count
    """Called slower or faster where nothing was planted."""
    found: dict[float, Count]
    """Called slower, by the planted share."""
    wrong: Count
    """Called faster where it was slower."""
    no_answer: Count
    typical: float | None
    """Median over all comparisons of the error of the ratio."""
    worst: float | None
    close: Count
    """Of those with an answer, comparisons whose ratio was read within CLOSE of the true one."""
    seconds: float
    """Wall time for a verdict."""
    overhead: float | None
    """What it reads for a step that does nothing, s."""

    def as_json(self) -> Json:
        found = {f"{share:.0%}": asdict(count) for share, count in self.found.items()}
        return {**asdict(self), "found": found, "false_alarm_bound": self.false_alarms.upper}


def answers(lines: Iterable[Json], condition: str) -> list[Answer]:
    found = []
    for line in lines:
        if line["kind"] != "verdicts" or line["condition"] != condition:
            continue
        planted = {one["work"]: one for one in line["plants"]}
        seconds = line["wall"] / len(planted)
        for one in line["verdicts"]:
            plant = planted[one["work"]]
            found.append(
                Answer(
                    one["tool"],
                    one["work"],
                    plant["share"],
                    plant["truth"],
                    one["said"],
                    one["ratio"],
                    one["level"],
                    seconds,
                )
            )
    return found


def rows(lines: Sequence[Json], condition: str, *, slow: bool = False) -> list[Row]:
    """A row for each tool that answered, in the table's order; of the quick workloads or of the slow."""
    by_tool: dict[str, list[Answer]] = {}
    for one in answers(lines, condition):
        if slow == (WORKLOADS[one.work].seconds >= 1):
            by_tool.setdefault(one.tool, []).append(one)
    return [_row(name, by_tool[name]) for name in ROWS if name in by_tool]


def _row(name: str, given: Sequence[Answer]) -> Row:
    real = [one for one in given if one.work != NOTHING.name]
    same = [one for one in real if one.share == 0 and one.said != FAILED]  # No answer is no false alarm.
    slower = [one for one in real if one.share]
    errors = [one.error for one in real if one.error is not None]
    idle = [one.level for one in given if one.work == NOTHING.name and one.level is not None]
    return Row(
        tool=name,
        false_alarms=_count(same, SLOWER, FASTER),
        found={share: _count([one for one in slower if one.share == share], SLOWER) for share in SHARES},
        wrong=_count(slower, FASTER),
        no_answer=_count(real, FAILED),
        typical=median(errors) if errors else None,
        worst=max(errors, default=None),
        close=Count(sum(one <= CLOSE for one in errors), len(errors)),
        seconds=sum(one.seconds for one in real) / len(real) if real else 0.0,
        overhead=median(idle) if idle else None,
    )


def _count(given: Sequence[Answer], *words: str) -> Count:
    return Count(sum(one.said in words for one in given), len(given))
