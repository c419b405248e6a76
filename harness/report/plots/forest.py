"""A technique's speedups with their intervals, each claim's range behind, each verdict in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import units
from harness.judgement import ClaimVerdict
from harness.record import WRONG_RESULT, Json
from harness.report import cells
from harness.report.plots import style
from harness.rows import CaseSummary
from harness.stats import Interval
from harness.verdict import EXCEEDED, SHORT

#: What a control shows, which is the same code twice.
SAME = "the same code twice, so what differs is chance"
#: Where a verdict says more with the range that follows it.
SAID = {SHORT: "short of the claimed", EXCEEDED: "better than the claimed"}


class Line(NamedTuple):
    label: str
    says: str
    found: Interval
    bounds: tuple[float, float] | None


def forest(
    technique: str, rows: Sequence[CaseSummary], claims: Sequence[ClaimVerdict], info: Json
) -> Figure | None:
    """None where nothing was timed against a baseline."""
    about: dict[str, list[ClaimVerdict]] = {}
    for one in claims:
        if len(one.cases) == 1 and one.claim.stem == "speedup" and one.found:
            about.setdefault(one.cases[0], []).append(one)
    lines = [line for row in rows for line in _lines(row, about)]
    every, lines = len(lines), lines[: style.MOST]
    if not lines:
        return None
    title = style.heading(technique, SAME if technique == "control" else "how much faster than without it")
    with style.sheet(style.tall(len(lines)), title, info) as figure:
        axes = figure.subplots()
        _scale(axes, lines)
        for number, line in enumerate(lines):
            _draw(axes, len(lines) - number - 1, line)
        style.line_at(axes, 1, len(lines))
        style.rows_only(axes, len(lines), every)
        axes.set_xlabel(
            "speedup over the baseline (log scale); left of 1x is slower\n"
            "dot: measured, line: 95 % interval, shade: what is claimed"
        )
    return figure


def _lines(row: CaseSummary, claims: Mapping[str, Sequence[ClaimVerdict]]) -> list[Line]:
    if row.speedup is None or row.outcome == WRONG_RESULT or not row.speedup.point > 0:
        return []
    label = style.case(row)
    told = cells.speedup(row)
    return [
        Line(label, f"{told}: {_judged(one)}", row.speedup, one.claim.bounds)
        for one in claims.get(row.case.id, ())
    ] or [Line(label, f"{told}: no claim judged here", row.speedup, None)]


def _judged(one: ClaimVerdict) -> str:
    assert one.claim.bounds
    said = SAID.get(one.verdict, f"{one.verdict}, claimed")
    return f"{said} {units.reach(*one.claim.bounds, units.times)}"


def _scale(axes: Axes, lines: Sequence[Line]) -> None:
    ends = [1.0]
    for line in lines:
        ends += [line.found.point, line.found.low, line.found.high, *(line.bounds or ())]
    ends = [end for end in ends if 0.01 < end < 100]
    axes.set_xscale("log")
    low, high = min(ends) / 1.1, max(ends) * 1.1
    axes.set_xlim(low, high)
    far = math.log(high / low)
    start = low * math.exp(style.LEFT * far)
    every = (0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50)
    ticks = [one for one in every if start <= one <= high]
    kept: list[float] = [1.0]
    for one in ticks:
        if all(abs(math.log(one / other)) > far / 9 for other in kept):
            kept.append(one)
    axes.set_xticks(sorted(kept))
    style.plain_ticks(axes.xaxis, "{:g}x".format)


def _draw(axes: Axes, y: float, line: Line) -> None:
    low, high = axes.get_xlim()
    if line.bounds:
        start, end = max(line.bounds[0], low), min(line.bounds[1], high)
        axes.fill_betweenx([y - 0.26, y + 0.1], start, end, color=style.BAND, linewidth=0)
    ends = (max(line.found.low, low), min(line.found.high, high))
    axes.plot(ends, [y - 0.08] * 2, color=style.BLUE, linewidth=2, solid_capstyle="butt")
    style.point(axes, line.found.point, y - 0.08, style.INK)
    style.row(axes, y, line.label, line.says)
