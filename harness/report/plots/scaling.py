"""How memory and time grow with depth, length or batch size, with the fitted exponent beside each line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness import stats
from harness.record import WRONG_RESULT, Json
from harness.report.plots import letters, style
from harness.rows import CaseSummary

SCALES = {"layers": "depth (layers)", "length": "sequence length (tokens)", "batch": "batch size (samples)"}
#: At a fixed number of tokens the batch falls as sequences get longer: told for one sequence then.
FALLS = {"length": "batch"}
MARKS = "osD^vP"
#: Lines of one panel; more of them cannot be told apart.
LINES = len(MARKS)
Curves = dict[str, list[tuple[float, float]]]
Value = Callable[[CaseSummary], float]


def memory(row: CaseSummary) -> float:
    """Megabytes of activations; 0 if unknown."""
    return row.memory.activations.point / 1e6 if row.memory else 0.0


def time(row: CaseSummary) -> float:
    """Milliseconds of a step; 0 if unknown."""
    return 1e3 * row.timing.step.point if row.timing else 0.0


PANELS: dict[str, tuple[Value, str]] = {
    "memory": (memory, "activations (MB)"),
    "time": (time, "time of a step (ms)"),
}


def scaling(rows: Sequence[CaseSummary], info: Json) -> Iterator[tuple[str, Figure]]:
    """(what it shows, plot) for each scale along which three cases differ in it alone."""
    for scale, says in SCALES.items():
        family = max(_families(rows, scale).values(), key=_told, default=[])
        panels = {
            name: found for name, (value, _) in PANELS.items() if (found := _curves(family, scale, value))
        }
        if panels:
            yield f"growth over {says.partition(' (')[0]}", _drawn(panels, family, scale, info)


def _families(rows: Sequence[CaseSummary], scale: str) -> dict[object, list[CaseSummary]]:
    """Cases that differ in nothing but the scale and the variant."""
    found: dict[object, list[CaseSummary]] = {}
    for row in rows:
        given = row.case.parameters
        if row.outcome != WRONG_RESULT and isinstance(given.get(scale), (int, float)):
            free = (scale, FALLS.get(scale))
            others = tuple((key, str(one)) for key, one in given.items() if key not in free)
            found.setdefault((row.case.benchmark, row.case.workload, others), []).append(row)
    return found


def _told(family: Sequence[CaseSummary]) -> int:
    """How many cases of a family have a figure."""
    return sum(value(row) > 0 for row in family for value, _ in PANELS.values())


def _curves(family: Sequence[CaseSummary], scale: str, value: Value) -> Curves:
    """For each variant with three points or more its line."""
    found: dict[str, dict[float, float]] = {}
    for row in family:
        given = row.case.parameters
        if value(row) > 0:
            samples = given.get(FALLS.get(scale, ""), 1)
            found.setdefault(row.case.variant, {})[float(given[scale])] = value(row) / samples
    lines = {name: sorted(points.items()) for name, points in found.items() if len(points) >= 3}
    return dict(sorted(lines.items(), key=lambda item: -item[1][-1][1])[:LINES])


def _drawn(panels: dict[str, Curves], family: Sequence[CaseSummary], scale: str, info: Json) -> Figure:
    says = SCALES[scale]
    what = " and ".join(panels)
    per = ", one sequence" if scale in FALLS and FALLS[scale] in family[0].case.parameters else ""
    title = f"{what.capitalize()} over {says.partition(' (')[0]}:\n"
    title += style.titled(_named(family[0], scale), per)
    with style.sheet(1.25 + 2.4 * len(panels), title, info) as figure:
        every = figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0]
        for axes, (name, curves) in zip(every, panels.items(), strict=True):
            _panel(axes, curves, family[0].case.baseline)
            axes.set_ylabel(f"{PANELS[name][1]}{per}")
        every[-1].set_xlabel(
            f"{says}; both axes log\nk, fitted: twice the {says.partition(' (')[0]} takes 2^k times as much"
        )
    return figure


def _named(row: CaseSummary, scale: str) -> str:
    """The workload, without what differs along the plot."""
    free = (scale, FALLS.get(scale))
    shown = " ".join(f"{key}={value}" for key, value in row.case.parameters.items() if key not in free)
    return f"{row.case.workload} {shown}".strip()


def _panel(axes: Axes, curves: Curves, baseline: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for (name, points), mark in zip(curves.items(), MARKS, strict=False):
        colour = style.ORANGE if name == baseline else style.BLUE
        axes.plot(*zip(*points, strict=True), marker=mark, markersize=4.5, linewidth=1.2, color=colour)
    low, high = axes.get_ylim()
    tall = math.log(high / low)
    ends = [math.log(points[-1][1] / low) / tall for points in curves.values()]
    far = max(x for points in curves.values() for x, _ in points)
    near = min(x for points in curves.values() for x, _ in points)
    start, wide = near / (far / near) ** 0.05, 1.8 * math.log(far / near)
    axes.set_xlim(start, start * math.exp(wide))
    axes.set_ylim(low, high)
    within: Any = {"transform": axes.transAxes, "in_layout": False}
    for (name, points), end, place in zip(curves.items(), ends, style.apart(ends, 0.11), strict=True):
        k = stats.exponent(*zip(*points, strict=True)).point
        said = f"{letters.fitted(name, 14, 7.5, 66)}, k {k:.2f}"
        axes.text(0.62, place, said, fontsize=7.5, va="center", **within)
        lead = [math.log(points[-1][0] / start) / wide, 0.61], [end, place]
        axes.add_artist(Line2D(*lead, color=style.QUIET, linewidth=0.5, **within))
    axes.set_xticks([x for x, _ in next(iter(curves.values()))])
    style.plain_ticks(axes.xaxis)
    style.plain_ticks(axes.yaxis)
