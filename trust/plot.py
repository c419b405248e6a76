"""The plot of a session: false alarms against what is found, tool by tool, in each condition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from harness.report.plots import style
from trust import figures
from trust.figures import Count, Row
from trust.journal import Json

#: Marks for a black and white print: what is found of each share, and false alarms.
MARKS, ALARM = {0.02: "v", 0.05: "o", 0.10: "^"}, "X"
#: Between the lines of a tool, one below the other so that equal shares do not hide each other.
APART = 0.2


def write(folder: Path, header: Json, lines: Sequence[Json]) -> None:
    """``trust.svg`` and ``trust.png``; nothing if there is no verdict yet."""
    found = drawn(header, lines)
    if found is not None:
        style.write(folder / "trust", style.svg(found), style.png(found))


def drawn(header: Json, lines: Sequence[Json]) -> Figure | None:
    parts = {name: figures.rows(lines, name) for name in header["asked"]["conditions"]}
    parts = {name: rows for name, rows in parts.items() if rows}
    if not parts:
        return None
    info = {"machine": header["fingerprint"], "device": "cpu", "started": header["started"]}
    title = (
        "False alarms (x) should be at 0 %, planted slowdowns\n"
        "of 2 % (v), 5 % (o) and 10 % (^) be found in 100 %"
    )
    height = 1.2 + sum(0.5 + 0.5 * len(rows) for rows in parts.values())
    with style.sheet(height, title, info) as figure:
        grid = figure.subplots(len(parts), squeeze=False, sharex=True)[:, 0]
        for axes, (name, rows) in zip(grid, parts.items(), strict=True):
            _panel(axes, name, rows)
        axes.set_xlabel("share of these comparisons; the lines are its 95 % bounds")
    return figure


def _panel(axes: Any, name: str, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        _count(axes, place - 1.5 * APART, row.false_alarms, ALARM, style.ORANGE)
        for line, (share, mark) in enumerate(MARKS.items()):
            _count(axes, place + (line - 0.5) * APART, row.found[share], mark, style.BLUE)
        axes.axhline(place + 0.5, color=style.QUIET, linewidth=0.3)
    nothing = max(row.false_alarms.of for row in rows)
    slowdowns = max(sum(count.of for count in row.found.values()) for row in rows)
    axes.set_title(f"{name}: {nothing} without and {slowdowns} with a slowdown", fontsize=9, loc="left")
    axes.set_yticks(range(len(rows)), [row.tool.replace(" ", "\n", 1) for row in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))


def _count(axes: Any, place: float, count: Count, mark: str, color: str) -> None:
    if count.of:
        axes.plot([count.lower, count.upper], [place, place], color=color, linewidth=0.8)
        axes.plot([count.share], [place], mark, color=color, markersize=5, mew=0)
