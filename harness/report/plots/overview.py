"""A run in one picture: the best variant of each technique, how fast and how small beside its baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import units
from harness.record import OK, Json
from harness.report import cells
from harness.report.plots import style
from harness.rows import CaseSummary
from harness.stats import Interval

#: How far the axis goes, where a technique is a hundred times slower, or finds all of its answers ready.
SLOWEST, FASTEST = 0.1, 12.0


class Best(NamedTuple):
    name: str
    row: CaseSummary
    speed: Interval | None
    memory: float | None
    """The baseline's peak over this one's."""


def overview(rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """None where no variant was measured against its baseline."""
    found = best(rows)
    if not found:
        return None
    title = (
        "The fastest of each technique: right of 1x is better\ndot: speed with its interval, square: memory"
    )
    with style.sheet(style.tall(len(found)), title, info) as figure:
        axes = figure.subplots()
        axes.set_xscale("log")
        ends = [end for one in found for end in _ends(one)]
        low, high = max(SLOWEST, min(0.8, *ends)), min(FASTEST, max(1.25, *ends))
        axes.set_xlim(low / 1.1, high * 1.1)
        style.line_at(axes, 1, len(found))
        for number, one in enumerate(found):
            _draw(axes, len(found) - number - 1, one)
        style.rows_only(axes, len(found), len(found))
        axes.set_xticks(
            sorted({1.0, *(tick for tick in style.few_ticks(low, high) if not 0.8 < tick < 1.25)})
        )
        style.plain_ticks(axes.xaxis, "{:g}x".format)
        axes.set_xlabel("times as fast, and times as small, as without it\n(log scale)")
    return figure


def best(rows: Sequence[CaseSummary]) -> list[Best]:
    """Of each technique the fastest variant, or the smallest where none was timed; the fastest first."""
    found: dict[str, Best] = {}
    for row in rows:
        name = cells.technique(row)
        if (
            row.outcome == OK
            and not row.case.is_baseline
            and name != "control"
            and (row.speedup or row.saving)
        ):
            one = Best(name, row, row.speedup, _smaller(row))
            if name not in found or _better(one) > _better(found[name]):
                found[name] = one
    return sorted(found.values(), key=_better, reverse=True)


def _smaller(row: CaseSummary) -> float | None:
    return 1 / (1 - row.saving.point) if row.saving and row.saving.point < 1 else None


def _better(one: Best) -> tuple[bool, float]:
    return one.speed is not None, one.speed.point if one.speed else one.memory or 0.0


def _ends(one: Best) -> list[float]:
    bounds = [one.speed.low, one.speed.point, one.speed.high] if one.speed else []
    return [end for end in (*bounds, one.memory or 1.0) if 0 < end < math.inf]


def _draw(axes: Axes, y: float, one: Best) -> None:
    low, high = axes.get_xlim()
    if one.memory:
        style.point(axes, one.memory, y - 0.12, style.ORANGE, "s", markersize=6, fillstyle="none", mew=1.6)
    if one.speed:
        ends = [_within(end, low, high) for end in (one.speed.low, one.speed.high)]
        axes.plot(ends, [y - 0.12] * 2, color=style.BLUE, linewidth=2, solid_capstyle="butt")
        style.point(axes, one.speed.point, y - 0.12, style.BLUE)
    variant = one.row.case.variant
    label = variant if "+" in variant else f"{one.name}:{variant}"
    style.row(axes, y, f"{label} on {one.row.case.workload}", says(one))


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def says(one: Best) -> str:
    speed = f"{units.between(one.speed, units.times)} as fast" if one.speed else "not timed"
    return f"{speed}; memory {cells.memory(one.row) or 'not measured'}"
