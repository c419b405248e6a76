"""Memory over batches: what a run over a data set holds after each of them, streaming against collecting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.record import Json
from harness.report import cells
from harness.report.plots import letters, style
from harness.rows import CaseSummary

DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))


def memory_over_batches(rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """Of the longest workload that has traces; None if there is none."""
    longest = max((_length(row) for row in rows), default=0)
    if longest < 4:
        return None
    chosen = next(row.case.group for row in rows if _length(row) == longest)
    shown = [row for row in rows if row.case.group == chosen and _length(row) > 1]
    where = style.titled(cells.workload(shown[0]))
    with style.sheet(3.4, f"Memory held after each batch:\n{where}", info) as figure:
        axes = figure.subplots()
        ends: dict[str, tuple[float, str]] = {}
        for row, dash in zip(shown, DASHES, strict=False):
            assert row.memory
            trace = [value / 1e6 for value in row.memory.traces[0]]
            colour = style.ORANGE if row.case.is_baseline else style.BLUE
            axes.plot(range(1, len(trace) + 1), trace, linestyle=dash, color=colour)
            ends[row.case.variant] = trace[-1], colour
        axes.set_xlim(1, longest * 1.3)
        step = -(-longest // 6)
        axes.set_xticks(sorted({1, *range(step, longest + 1, step)}))
        top = axes.get_ylim()[1]
        axes.set_ylim(-0.06 * top, 1.08 * top)
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
        _label(axes, ends, longest)
        axes.set_xlabel("batches seen")
        axes.set_ylabel("memory still held (MB)")
    return figure


def _label(axes: Axes, ends: Mapping[str, tuple[float, str]], x: float) -> None:
    """Each line's name behind its end, or as near to it as the other names leave room."""
    low, high = axes.get_ylim()
    places = style.apart([(end - low) / (high - low) for end, _ in ends.values()], 0.08)
    for (name, (_, colour)), place in zip(ends.items(), places, strict=True):
        at = (x, low + place * (high - low))
        axes.annotate(
            letters.fitted(name, 24, 8, 64),
            at,
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,
        )


def _length(row: CaseSummary) -> int:
    return len(row.memory.traces[0]) if row.memory and row.memory.traces else 0
