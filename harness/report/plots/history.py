"""How the figures of a machine went over the commits, with the places where they changed for good."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import units
from harness.history import FEWEST, History, Series
from harness.report.plots import letters, style

#: A log ratio that nobody sees on a strip.
STILL = 0.005
#: Strips on the plot: those that changed most.
STRIPS = 10


def history(found: History) -> Figure | None:
    """A strip for each series, all over the same commits; None without a series."""
    ordered = sorted(found.series, key=_moved, reverse=True)
    # What stood still needs no picture, but three say that it did.
    chosen = [one for n, one in enumerate(ordered[:STRIPS]) if n < 3 or _moved(one)[1] > STILL]
    if not chosen:
        return None
    commits = _commits(chosen)
    title = f"Over {len(commits)} commits, from {found.source}"
    if len(chosen) < len(found.series):
        title += f":\nthe {len(chosen)} of {len(found.series)} figures that changed most"
    with style.sheet(1.2 + 0.95 * len(chosen), title, found.info) as figure:
        every = figure.subplots(len(chosen), squeeze=False, sharex=True)[:, 0]
        for axes, one in zip(every, chosen, strict=True):
            _strip(axes, one, commits)
        every[-1].set_xlabel("commits, oldest first; a thick line is where the level changed")
    return figure


def _commits(series: Sequence[Series]) -> list[str]:
    """Those of all series, by time."""
    when = {point.commit: point.when for one in series for point in one.points}
    return sorted(when, key=lambda commit: when[commit])


def _moved(one: Series) -> tuple[bool, float]:
    """By how much it changed, first where that is told from chance."""
    values = [point.value for point in one.points]
    return bool(one.changes), abs(math.log(values[-1] / values[0]))


def _strip(axes: Axes, one: Series, commits: Sequence[str]) -> None:
    x = [commits.index(point.commit) for point in one.points]
    y = [point.value for point in one.points]
    axes.plot(x, y, "o-", color=style.BLUE, markersize=3.5, linewidth=1)
    for place in one.changes:
        axes.axvline(x[place] - 0.5, color=style.ORANGE, linewidth=2.5)
    # The names of a case, apart: benchmark, workload, parameters, variant.
    name = letters.fitted(one.name.replace("/", " ").replace("#", " "), 50, 8, 200)
    axes.set_title(f"{name}: {one.metric}", fontsize=8, loc="left", pad=14)
    axes.text(
        0,
        1.06,
        letters.fitted(says(one), 78, 7.2, 280),
        transform=axes.transAxes,
        fontsize=7.2,
        color=style.QUIET,
    )
    low, high = min(y), max(y)
    # Noise of a percent should look like it: an axis spans a fifth of the level at least.
    room = max(0.1 * high, 0.15 * (high - low))
    axes.set_ylim(low - room, high + room)
    axes.set_yticks([low, high] if high > 1.05 * low else [y[-1]])
    style.plain_ticks(axes.yaxis, one.show)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlim(-0.5, len(commits) - 0.5)
    shown = range(0, len(commits), -(-len(commits) // 4))
    axes.set_xticks(list(shown), [commits[number][:8] for number in shown], fontsize=7.5)


def says(one: Series) -> str:
    """What became of it: each change with its commit and its size."""
    values = [point.value for point in one.points]
    ends = [0, *one.changes, len(values)]
    levels = [median(values[start:end]) for start, end in pairwise(ends)]
    told = [
        f"{units.times(after / before)} from commit {one.points[place].commit[:8]} on"
        for place, (before, after) in zip(one.changes, pairwise(levels), strict=True)
    ]
    if told:
        return "; ".join(told)
    said = (
        f"it takes {FEWEST} commits to tell a change" if len(values) < FEWEST else "no change beyond chance"
    )
    return f"{one.show(values[0])} to {one.show(values[-1])}; {said}"
