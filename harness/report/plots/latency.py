"""Latency of inference: how the single steps of a case spread, with p50, p95 and p99, from its samples."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from harness import units
from harness.record import OK, Json
from harness.report.plots import style
from harness.rows import CaseSummary

PHASES = ("infer", "generate", "serve")
#: Columns of a distribution.
COLUMNS = 60
MARKS = (("p50", "|"), ("p95", "^"), ("p99", "D"))
LEGEND = "line: half are faster (p50), triangle: 95 %, diamond: 99 %"


def latency(technique: str, rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """None where nothing that answers somebody was timed."""
    timed = [row for row in rows if row.case.phase in PHASES and row.timing and row.outcome == OK]
    shown = timed[: style.MOST]
    if not shown:
        return None
    samples = [_samples(row) for row in shown]
    title = style.heading(technique, "how long single answers took")
    with style.sheet(style.tall(len(shown)), title, info) as figure:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_xlim(*_ends(samples))
        for number, (row, steps) in enumerate(zip(shown, samples, strict=True)):
            _draw(axes, len(shown) - number - 1, row, steps)
        style.rows_only(axes, len(shown), len(timed))
        axes.set_xticks(style.few_ticks(*axes.get_xlim()))
        style.plain_ticks(axes.xaxis, units.seconds)
        axes.set_xlabel("time of one answer (log scale); a higher shade: more often\n" + LEGEND)
    return figure


def _samples(row: CaseSummary) -> Sequence[float]:
    """On a log scale there is no place for a step below the clock's resolution."""
    assert row.timing
    return row.timing.steps[bisect_right(row.timing.steps, 0) :]


def _ends(samples: Sequence[Sequence[float]]) -> tuple[float, float]:
    """All but the slowest in a hundred steps, of which one may take ten times as long."""
    low = min(one[0] for one in samples if one)
    high = max(one[math.ceil(0.99 * len(one)) - 1] for one in samples if one)
    return low / 1.08, high * 1.15


def _draw(axes: Axes, y: float, row: CaseSummary, samples: Sequence[float]) -> None:
    edges, heights = histogram(samples, *axes.get_xlim())
    tops = [y - 0.32 + 0.36 * one for one in heights]
    axes.add_artist(StepPatch(tops, edges, baseline=y - 0.32, fill=True, color=style.BAND))
    assert row.timing
    points = {"p50": row.timing.p50.point, "p95": row.timing.p95.point, "p99": row.timing.p99.point}
    for name, mark in MARKS:
        colour = style.INK if name == "p50" else style.BLUE
        size = 13 if mark == "|" else 5
        axes.plot([points[name]], [y - 0.23], mark, color=colour, markersize=size, markeredgewidth=1.5)
    told = ", ".join(f"{name} {units.seconds(value)}" for name, value in points.items())
    told += f"; {row.timing.p50.n:,} steps, slowest {units.seconds(samples[-1])}"
    style.row(axes, y, style.case(row), told)


def histogram(samples: Sequence[float], low: float, high: float) -> tuple[list[float], list[float]]:
    """Edges, even on a log scale, and what share of the fullest column lies between each two of them."""
    step = math.log(high / low) / COLUMNS
    edges = [low * math.exp(step * number) for number in range(COLUMNS + 1)]
    places = [bisect_left(samples, edge) for edge in edges]
    counts = [after - before for before, after in pairwise(places)]
    most = max(counts) or 1
    return edges, [count / most for count in counts]
