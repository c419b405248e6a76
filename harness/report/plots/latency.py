"""Latency of inference: how the single steps of a case spread, with p50, p95 and p99, from raw samples."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from harness import quantiles, units
from harness.derive import QUIET_ENOUGH
from harness.lines import Numbered
from harness.record import OK, Json
from harness.report.plots import style
from harness.rows import CaseSummary

Blocks = Sequence[Sequence[float]]
PHASES = ("infer", "generate", "serve")
#: Columns of a distribution.
COLUMNS = 60
MARKS = (("p50", "|"), ("p95", "^"), ("p99", "D"))
LEGEND = "line: half are faster (p50), triangle: 95 %, diamond: 99 %"


def latency(
    technique: str, rows: Sequence[CaseSummary], by_group: Mapping[str, Iterable[Numbered]], info: Json
) -> Figure | None:
    """From the launches of each group; None where nothing that answers somebody was timed."""
    timed = [row for row in rows if row.case.phase in PHASES and row.timing and row.outcome == OK]
    shown = timed[: style.MOST]
    if not shown:
        return None
    groups = dict.fromkeys(row.case.group for row in shown)
    launches = (launch for group in groups for _, launch in by_group.get(group, ()))
    samples = _samples(launches, {row.case.id for row in shown})
    title = style.heading(technique, "how long single answers took")
    with style.sheet(style.tall(len(shown)), title, info) as figure:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_xlim(*_ends([samples[row.case.id] for row in shown]))
        for number, row in enumerate(shown):
            _draw(axes, len(shown) - number - 1, row, samples[row.case.id])
        style.rows_only(axes, len(shown), len(timed))
        axes.set_xticks(style.few_ticks(*axes.get_xlim()))
        style.plain_ticks(axes.xaxis, units.seconds)
        axes.set_xlabel("time of one answer (log scale); a higher shade: more often\n" + LEGEND)
    return figure


def _samples(launches: Iterable[Json], wanted: set[str]) -> dict[str, list[float]]:
    """Seconds of every step of those cases, in order; of the launches that count in `harness.derive`."""
    found: dict[str, list[tuple[bool, Blocks]]] = {name: [] for name in wanted}
    for launch in launches:
        for record in launch["records"] if launch["kind"] == "time" else ():
            if record["case"] in wanted and record["outcome"] == OK:
                found[record["case"]].append((bool(launch.get("noisy")), record.get("blocks") or ()))
    samples = {name: quantiles.ordered(_counting(taken)) for name, taken in found.items()}
    # On a log scale there is no place for a step below the clock's resolution.
    return {name: seconds[bisect_right(seconds, 0) :] for name, seconds in samples.items()}


def _counting(taken: Sequence[tuple[bool, Blocks]]) -> Iterable[Sequence[float]]:
    quiet = [blocks for noisy, blocks in taken if not noisy]
    return chain.from_iterable(quiet if len(quiet) >= QUIET_ENOUGH else [blocks for _, blocks in taken])


def _ends(samples: Sequence[Sequence[float]]) -> tuple[float, float]:
    """All but the slowest in a hundred steps, of which one may take ten times as long."""
    low = min(one[0] for one in samples if one)
    high = max(one[math.ceil(0.99 * len(one)) - 1] for one in samples if one)
    return low / 1.08, high * 1.15


def _draw(axes: Axes, y: float, row: CaseSummary, samples: Sequence[float]) -> None:
    edges, heights = histogram(samples, *axes.get_xlim())
    tops = [y - 0.32 + 0.36 * one for one in heights]
    axes.add_artist(StepPatch(tops, edges, baseline=y - 0.32, fill=True, color=style.BAND))
    points = _percentiles(row)
    for name, mark in MARKS:
        colour = style.INK if name == "p50" else style.BLUE
        size = 13 if mark == "|" else 5
        axes.plot([points[name]], [y - 0.23], mark, color=colour, markersize=size, markeredgewidth=1.5)
    told = ", ".join(f"{name} {units.seconds(value)}" for name, value in points.items())
    told += f"; {len(samples):,} steps, slowest {units.seconds(samples[-1])}"
    style.row(axes, y, style.case(row), told)


def _percentiles(row: CaseSummary) -> Mapping[str, float]:
    assert row.timing
    return {"p50": row.timing.p50.point, "p95": row.timing.p95.point, "p99": row.timing.p99.point}


def histogram(samples: Sequence[float], low: float, high: float) -> tuple[list[float], list[float]]:
    """Edges, even on a log scale, and what share of the fullest column lies between each two of them."""
    step = math.log(high / low) / COLUMNS
    edges = [low * math.exp(step * number) for number in range(COLUMNS + 1)]
    places = [bisect_left(samples, edge) for edge in edges]
    counts = [after - before for before, after in pairwise(places)]
    most = max(counts) or 1
    return edges, [count / most for count in counts]
