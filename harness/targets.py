"""Targets: bounds to be met, judged on every case they apply to, by the interval and not the point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import quantiles, units
from harness.claims import LEDGER, tables
from harness.errors import BadInput, unknown
from harness.record import PHASES, WRONG_RESULT
from harness.rows import CaseSummary
from harness.stats import Interval
from harness.verdict import CONFIRMED, INCONCLUSIVE, NOT_MEASURED, SHORT, more_launches

KEYS = ("id", "says", "metric", "source", "below", "at_least", "phases")


@dataclass(frozen=True, kw_only=True)
class Target:
    id: str
    says: str
    metric: str
    source: str
    below: float | None = None
    at_least: float | None = None
    phases: tuple[str, ...] = ()
    """The phases it applies to; empty for all."""

    @property
    def limit(self) -> float:
        limit = self.below if self.below is not None else self.at_least
        assert limit is not None, "checked when it was read"
        return limit

    def met(self, found: Interval) -> bool | None:
        """Whether the whole interval keeps the bound; None if the bound lies within it."""
        if self.below is not None:
            return True if found.high < self.limit else False if found.low >= self.limit else None
        return True if found.low >= self.limit else False if found.high < self.limit else None


@dataclass(frozen=True, kw_only=True)
class TargetVerdict:
    target: Target
    row: CaseSummary
    verdict: str
    reason: str
    found: Interval | None = None
    """In the target's own unit: seconds, bytes or samples per second."""


def load(path: Path = LEDGER / "targets.toml") -> list[Target]:
    """The targets of a file. Raises BadInput in one line."""
    found: dict[str, Target] = {}
    for number, table in enumerate(tables(path, "target"), 1):
        name = table.get("id", f"number {number}")
        try:
            if name in found:
                raise BadInput("the id is taken; give it one of its own")
            found[name] = _target(table)
        except BadInput as error:
            raise BadInput(f"{path}: target {name}: {error}") from None
    return list(found.values())


def _target(table: Mapping[str, Any]) -> Target:
    for key in table:
        if key not in KEYS:
            raise unknown("key", key, KEYS)
    for key in ("id", "says", "metric", "source"):
        if not isinstance(table.get(key), str):
            raise BadInput(f"has no {key}")
    if table["metric"] not in FIGURES:
        raise unknown("metric", table["metric"], FIGURES)
    bounds = [table[key] for key in ("below", "at_least") if key in table]
    if len(bounds) != 1 or isinstance(bounds[0], bool) or not isinstance(bounds[0], (int, float)):
        raise BadInput("give it one number as bound, below = or at_least =")
    if not math.isfinite(bounds[0]):
        raise BadInput("a bound is a finite number")
    for phase in table.get("phases", ()):
        if phase not in PHASES:
            raise unknown("phase", str(phase), PHASES)
    return Target(**{**table, "phases": tuple(table.get("phases", ()))})


def judge(rows: Iterable[CaseSummary], targets: Iterable[Target]) -> list[TargetVerdict]:
    """Every target on every case that it applies to, in the order of the cases."""
    targets = list(targets)
    return [_verdict(target, row) for row in rows for target in targets if _applies(target, row)]


def _applies(target: Target, row: CaseSummary) -> bool:
    """A case that was timed and holds no samples has no throughput to judge."""
    if target.phases and row.case.phase not in target.phases:
        return False
    return not (target.metric == "samples_per_second" and row.timing and not row.timing.throughput)


def _verdict(target: Target, row: CaseSummary) -> TargetVerdict:
    figure = FIGURES[target.metric]
    found = figure.of(row) if row.outcome != WRONG_RESULT else None
    if found is None:
        return TargetVerdict(
            target=target, row=row, verdict=NOT_MEASURED, reason=row.failure or figure.lacking
        )
    met = target.met(found)
    verdict = INCONCLUSIVE if met is None else CONFIRMED if met else SHORT
    return TargetVerdict(
        target=target, row=row, verdict=verdict, found=found, reason=_reason(target, row, found, met)
    )


def _reason(target: Target, row: CaseSummary, found: Interval, met: bool | None) -> str:
    show = FIGURES[target.metric].show
    bound = ("under " if target.below is not None else "at least ") + show(target.limit)
    stands = {True: "all of it", False: "none of it", None: "not all of it"}[met]
    said = f"{units.between(found, show)}: {stands} {bound}"
    if target.metric == "peak_bytes" and row.case.device == "cpu":
        said += ", of tensors on the host"
    return f"{said}; {_missing(target, row, found)}" if met is None else said


def _missing(target: Target, row: CaseSummary, found: Interval) -> str:
    """What it would take to tell."""
    if target.metric == "response_seconds_p99":
        if math.isinf(found.high):
            return f"an upper bound of p99 takes {quantiles.samples_needed(0.99)} steps, {found.n} were timed"
        return "p99 is too close to the bound; more steps would tell"
    if target.metric == "peak_bytes" or row.timing is None:
        return "the peak differs between launches"
    ours = target.limit if target.metric == "batch_seconds" else _step_for(target.limit, row)
    logs = [math.log(level) for level in row.timing.levels]
    return more_launches(logs, abs(math.log(row.timing.step.point / ours)))


def _step_for(rate: float, row: CaseSummary) -> float:
    """The step time at which the case's throughput would be `rate`."""
    assert row.timing
    assert row.timing.throughput
    return row.timing.step.point * row.timing.throughput.point / rate


@dataclass(frozen=True)
class Figure:
    """A figure that a target bounds: where to find it, how to show it, what to say when it is not there."""

    of: Callable[[CaseSummary], Interval | None]
    show: units.Show
    lacking: str


def _timing(figure: str) -> Callable[[CaseSummary], Interval | None]:
    return lambda row: getattr(row.timing, figure, None)


_UNTIMED = "no timing launch of it in this run"
FIGURES: Mapping[str, Figure] = {
    "batch_seconds": Figure(_timing("step"), units.seconds, _UNTIMED),
    "peak_bytes": Figure(
        lambda row: row.memory.peak if row.memory else None, units.size, "no memory launch of it in this run"
    ),
    "samples_per_second": Figure(_timing("throughput"), units.rate, _UNTIMED),
    "response_seconds_p99": Figure(_timing("p99"), units.seconds, _UNTIMED),
}
