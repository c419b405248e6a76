"""Figures of one speedup against others: over model sizes, over generated tokens, over another variant.

Variants that were timed in the same launches are compared launch by launch, so that what a launch does to
both cancels. Launches of different workloads have nothing in common, whatever their numbers: there each
speedup has an uncertainty of its own, and they add up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

from harness import measured, stats, units
from harness.measured import Family, Found, NotMeasured
from harness.rows import CaseSummary


def over_sizes(family: Family) -> Found:
    """The slope of log speedup over log parameter count: above 0 where larger models gain more."""
    rows = _timed(family, _parameters)
    sizes = [math.log(_parameters(row)) for row in rows]
    if len(set(sizes)) < 3:
        raise NotMeasured(measured.too_few(family, len(set(sizes)), "sizes"))
    middle = fmean(sizes)
    square = sum((size - middle) ** 2 for size in sizes)
    weights = [(size - middle) / square for size in sizes]
    gains = ", ".join(f"{_speedup(row)} at {units.count(_parameters(row))}" for row in rows)
    note = f"speedup by parameters: {gains}"
    return Found(stats.contrast(weights, _logs(rows)), units.plain, _lines(weights, rows), note=note)


def over_tokens(family: Family) -> Found:
    """The speedup at the most generated tokens over that at the fewest: above 1 where it grows with them."""
    rows = _timed(family, _tokens)
    if len({*map(_tokens, rows)}) < 2:
        raise NotMeasured(measured.too_few(family, len(rows), "generated lengths", fewest=2))
    ends, weights = [rows[0], rows[-1]], [-1.0, 1.0]
    gains = ", ".join(f"{_speedup(row)} at {_tokens(row)}" for row in rows)
    note = f"speedup by generated tokens: {gains}"
    value = stats.ratios(stats.contrast(weights, _logs(ends)))
    return Found(value, units.times, _lines(weights, ends), logs=True, note=note)


def over_dynamic(family: Family) -> Found:
    """The speedup over the variant ``dynamic``, which is what a user has who changes nothing."""
    return _over(family, "dynamic", "over the dynamic cache")


def over_updates(family: Family) -> Found:
    """Of accumulating over n parts, against n small batches with an update each: ``update-each-n``."""
    name = family.row.case.variant.replace("accumulate", "update-each")
    if name == family.row.case.variant:
        raise NotMeasured(f"{name} does not accumulate")
    return _over(family, name, f"against {name}")


def _over(family: Family, name: str, note: str) -> Found:
    """The speedup over the variant `name` of the same workload, from the launches that timed both."""
    others = family.peers.get(name, ())
    if not others:
        raise NotMeasured(f"no case of {name} in this run")
    ours, theirs = _by_launch(family.row), _by_launch(others[0])
    logs = tuple(theirs[launch] - ours[launch] for launch in ours if launch in theirs)
    if not logs:
        raise NotMeasured(others[0].failure or f"no launch timed both it and {name}")
    return Found(stats.ratio(logs), units.times, logs, logs=True, note=note)


def _by_launch(row: CaseSummary) -> dict[int, float]:
    timing = measured.timing(row)
    return dict(zip(timing.compared, timing.effects, strict=True))


def _lines(weights: Sequence[float], rows: Sequence[CaseSummary]) -> tuple[float, ...]:
    """A value for each launch of every row: they vary as `contrast` does, so tell how many more it takes."""
    return tuple(
        sum(w * log for w, log in zip(weights, logs, strict=True)) for logs in zip(*_logs(rows), strict=False)
    )


def _logs(rows: Sequence[CaseSummary]) -> list[list[float]]:
    """Of each row the logs of its speedup."""
    return [[-effect for effect in measured.timing(row).effects] for row in rows]


def _timed(family: Family, key: Callable[[CaseSummary], int]) -> list[CaseSummary]:
    """The rows that were timed against their baseline, by `key`, which they have."""
    return sorted((row for row in family.rows if row.speedup and key(row)), key=key)


def _parameters(row: CaseSummary) -> int:
    return row.parameters or 0


def _tokens(row: CaseSummary) -> int:
    return int(row.case.parameters.get("new", 0))


def _speedup(row: CaseSummary) -> str:
    return units.times(row.speedup.point) if row.speedup else ""
