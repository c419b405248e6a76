"""Speed against memory on one workload: what no other choice beats in both is on the front."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from harness.record import OK, Json
from harness.report import cells
from harness.report.plots import letters, style
from harness.rows import CaseSummary

Point = tuple[float, float, str]


def pareto(rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """Of the workload with most choices measured for both, all of one size; None without a front."""
    by_workload: dict[str, list[Point]] = {}
    for row in rows:
        if row.outcome == OK and row.speedup and row.memory and row.saving:
            point = (100 * (1 - row.saving.point), row.speedup.point, _name(row))
            by_workload.setdefault(cells.workload(row), []).append(point)
    if not by_workload:
        return None
    workload, points = max(by_workload.items(), key=lambda item: len(item[1]))
    points = front([*points, (100.0, 1.0, "baseline")])
    if len(points) < 2:
        return None
    title = f"The best trades of speed against memory:\n{style.titled(workload)}"
    with style.sheet(3.7, title, info) as figure:
        axes = figure.subplots()
        axes.step(
            [x for x, _, _ in points], [y for _, y, _ in points], where="post", color=style.BLUE, linewidth=1
        )
        for number, (x, y, name) in enumerate(points, 1):
            axes.plot([x], [y], "o", color=style.INK, markersize=5)
            axes.annotate(str(number), (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8)
            said = f"{number} {letters.fitted(name, 46, 7, 280)}"
            axes.text(0.02, 1 - 0.06 * number, said, transform=axes.transAxes, fontsize=7, va="top")
        low, high = points[0][1], points[-1][1]
        # The upper part is for the names of the numbers.
        axes.set_ylim(low - 0.1 * (high - low), high + (high - low) * (0.3 + 0.15 * len(points)))
        axes.set_xlabel(
            "peak memory of a step (% of the baseline's)\nnothing else measured is both as fast and as small"
        )
        axes.set_ylabel("speedup over the baseline (x)")
    return figure


def _name(row: CaseSummary) -> str:
    return row.case.variant if "+" in row.case.variant else f"{row.case.benchmark}:{row.case.variant}"


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other point beats in memory (x, lower) and speed (y, higher), by memory."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (one[0], -one[1])):
        if not kept or point[1] > kept[-1][1]:
            kept.append(point)
    return kept
