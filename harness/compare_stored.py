"""Two runs that are stored. They did not take turns, so less can be said. Torch-free.

Whatever the machine did between them is in their difference: it differs from itself by some per cent from one
hour to the next. So a change counts only where its whole interval, by Welch's t over launches, is beyond
DRIFT, the false discovery rate is held as in `compare`, and the verdict is only ever ``possibly``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence

from harness import significance, stats
from harness.changes import WORDS, Change, Compared, Comparison, View, memory, within
from harness.record import OK
from harness.rows import CaseSummary
from harness.significance import ALPHA
from harness.stats import Interval
from harness.summary import summarise

#: What a machine differs from itself by when asked again later, relative.
DRIFT = 0.05


def stored(one: View, other: View, a: str, b: str, notes: Iterable[str] = ()) -> Comparison:
    """Two runs that are stored; only the cases that both have. Raises BadInput as summarise does."""
    first, second = ({row.case.id: row for row in summarise(run)} for run in (one, other))
    both = [name for name in first if name in second]
    times = {name: _levels(first[name], second[name]) for name in both}
    adjusted = _adjusted({name: pair for name, pair in times.items() if pair})
    cases = []
    for name in both:
        changes = {
            "time": _apart(times[name], adjusted.get(name, 1.0)),
            "memory": memory(first[name], second[name]),
            "results": _outcomes(first[name], second[name]),
        }
        cases.append(Compared(name, {k: _possibly(v) for k, v in changes.items() if v}))
    return Comparison(a, b, False, cases, list(notes))


Pair = tuple[list[float], list[float]]


def _levels(a: CaseSummary, b: CaseSummary) -> Pair | None:
    """Log seconds per step of each launch of both."""
    if a.timing is None or b.timing is None:
        return None
    return [math.log(x) for x in a.timing.levels], [math.log(x) for x in b.timing.levels]


def _adjusted(pairs: Mapping[str, Pair]) -> dict[str, float]:
    return significance.discoveries(
        {n: p for n, (a, b) in pairs.items() if not math.isnan(p := _welch(a, b))}
    )


def _welch(a: Sequence[float], b: Sequence[float]) -> float:
    from scipy import stats as scipy_stats

    if min(len(a), len(b)) < 2 or max(*a, *b) == min(*a, *b):
        return math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(scipy_stats.ttest_ind(b, a, equal_var=False).pvalue)


def _apart(pair: Pair | None, p: float) -> Change | None:
    if pair is None:
        return None
    ratio = _ratio(*pair)
    if within(ratio, DRIFT):
        return Change("same", f"within {DRIFT:.0%}", ratio, p)
    beyond = ratio.low > 1 + DRIFT or ratio.high < 1 - DRIFT
    if p < ALPHA and beyond:
        return Change(WORDS["time"][0 if ratio.point > 1 else 1], "measured at different times", ratio, p)
    return Change("unclear", "two runs tell no smaller change apart; compare their commits live", ratio, p)


def _ratio(a: Sequence[float], b: Sequence[float]) -> Interval:
    """B / A of two independent sets of log times, by Welch's interval."""
    return stats.ratios(stats.contrast([-1.0, 1.0], [a, b]))


def _outcomes(a: CaseSummary, b: CaseSummary) -> Change | None:
    """Results are not stored, but whether each equalled its own run's baseline is."""
    if (a.outcome == OK) == (b.outcome == OK):
        return None
    return Change("fails", b.failure) if a.outcome == OK else Change("works", f"failed before: {a.failure}")


def _possibly(change: Change) -> Change:
    if change.verdict in ("same", "unclear", "works", "fails"):
        return change
    return Change(f"possibly {change.verdict}", change.reason, change.ratio, change.p)
