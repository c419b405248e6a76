"""Percent of the machine's limit: how much of what it was measured to reach a step makes use of."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import units
from harness.record import OK, Json
from harness.report.plots import style
from harness.rows import CaseSummary


def share_of_limit(technique: str, rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """None where the work of no step is known, or the machine's limits are not."""
    told = [row for row in rows if row.outcome == OK and row.timing and row.timing.of_limit]
    shown = told[: style.MOST]
    if not shown:
        return None
    title = style.heading(technique, "percent of the machine's limit")
    with style.sheet(style.tall(len(shown)), title, info) as figure:
        axes = figure.subplots()
        for number, row in enumerate(shown):
            _draw(axes, len(shown) - number - 1, row)
        style.line_at(axes, 100, len(shown))
        axes.set_xlim(0, max(105, *(110 * _share(row) for row in shown)))
        style.rows_only(axes, len(shown), len(told))
        axes.set_xlabel(
            "useful work in a second, % of what the machine\nreached in a large matrix product or copy"
        )
    return figure


def _share(row: CaseSummary) -> float:
    assert row.timing
    assert row.timing.of_limit
    return row.timing.of_limit


def _draw(axes: Axes, y: float, row: CaseSummary) -> None:
    share = 100 * _share(row)
    style.bar(axes, y - 0.12, 0, 100, style.PALE, linewidth=0)
    colour = style.ORANGE if row.case.is_baseline else style.BLUE
    style.bar(axes, y - 0.12, 0, share, colour, linewidth=0)
    style.row(axes, y, style.case(row), says(row))


def says(row: CaseSummary) -> str:
    """``49.4 %: 31 of 62.7 GFLOP/s, bound by arithmetic``"""
    share = _share(row)
    ceiling = row.timing.ceiling if row.timing else None
    if ceiling is None:
        return units.percent(share)
    show = units.flops if ceiling.unit == "FLOP" else units.traffic
    what = "arithmetic" if ceiling.unit == "FLOP" else "memory traffic"
    return f"{units.percent(share)}: {show(share * ceiling.rate)} of {show(ceiling.rate)}, bound by {what}"
