"""Figures of data loading: the best number of workers, and whether what was planted is found. Torch-free."""

from __future__ import annotations

from harness import measured, stats, units
from harness.measured import Family, Found, NotMeasured
from harness.rows import CaseSummary
from harness.stats import Interval

PREFIX = "workers-"
#: A planted transform that takes longer than this has to be named, ms.
SLOW = 10


def best_workers(family: Family) -> Found:
    """The number of workers of the fastest variant, over the cores; the interval is over all that tie.

    A variant ties whose step overlaps the fastest one's.
    """
    steps = {
        int(name.removeprefix(PREFIX)): rows[0].timing.step
        for name, rows in family.peers.items()
        if name.startswith(PREFIX) and rows and rows[0].timing
    }
    cores = _told(family.row, "cores")
    if len(steps) < 3 or isinstance(cores, str):
        raise NotMeasured(f"the best of several takes 3 numbers of workers, {len(steps)} were timed")
    best = min(steps, key=lambda count: steps[count].point)
    ties = [count for count, step in steps.items() if step.low <= steps[best].high]
    times = ", ".join(f"{count}: {units.seconds(steps[count].point)}" for count in sorted(steps))
    value = Interval(best / cores, min(ties) / cores, max(ties) / cores, steps[best].n)
    return Found(value, units.plain, note=f"of {cores:.0f} cores; an epoch by workers: {times}")


def bottleneck_found(family: Family) -> Found:
    """1 if the bottleneck that was planted is the one that is named, else 0."""
    parameters = family.row.case.parameters
    slow = {
        "loading": int(parameters.get("transform_ms", 0)),
        "model": int(parameters.get("compute_ms", 0)),
    }
    planted = [name for name, milliseconds in slow.items() if milliseconds]
    if len(planted) != 1:
        raise NotMeasured("takes a planted slow loader or a planted slow model, and not both")
    named = _told(family.row, "bottleneck")
    return _found(named == planted[0], f"planted: {planted[0]}, named: {named}, {_split(family.row)}")


def slow_transform_found(family: Family) -> Found:
    """1 if just the planted transform of over 10 ms is named, or none where none was planted; else 0."""
    slow = int(family.row.case.parameters.get("transform_ms", 0)) > SLOW
    named = _told(family.row, "slow transforms")
    return _found(named == ("planted" if slow else "none"), f"named: {named}")


def _found(agrees: bool, note: str) -> Found:
    return Found(stats.span([float(agrees)]), units.plain, note=note)


def _split(row: CaseSummary) -> str:
    waiting, computing = (_told(row, f"{name} ms/step") for name in ("waiting", "computing"))
    return f"waiting {waiting:.3g} ms and computing {computing:.3g} ms a step"


def _told(row: CaseSummary, name: str) -> float | str:
    """Raises NotMeasured if the job did not tell it."""
    if name not in row.figures:
        measured.timing(row)  # Says why, where the case failed.
        raise NotMeasured(f"its job told no {name}")
    return row.figures[name]
