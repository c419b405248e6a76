"""Targets as bullets: every case that a target applies to, with the bound as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from harness.record import Json
from harness.report.plots import style
from harness.targets import FIGURES, TargetVerdict

MARKS = {"confirmed": "o", "short": "X", "inconclusive": "D"}
WORDS = {"confirmed": "met", "short": "missed", "inconclusive": "undecided"}


def target_bullets(targets: Sequence[TargetVerdict], info: Json) -> Figure | None:
    """One strip for each target, one mark for each case; None if no target could be judged."""
    by_target: dict[str, list[TargetVerdict]] = {}
    for one in targets:
        if one.found and one.found.point > 0 and one.verdict in MARKS:
            by_target.setdefault(one.target.id, []).append(one)
    if not by_target:
        return None
    title = "Targets: each mark is one case, the line is the bound\ndot met, x missed, diamond undecided"
    with style.sheet(0.9 + 1.15 * len(by_target), title, info) as figure:
        for axes, group in zip(
            figure.subplots(len(by_target), squeeze=False)[:, 0], by_target.values(), strict=True
        ):
            _strip(axes, group)
    return figure


def _strip(axes, group: Sequence[TargetVerdict]) -> None:  # type: ignore[no-untyped-def]
    target, show = group[0].target, FIGURES[group[0].target.metric].show
    axes.set_xscale("log")
    for word, mark in MARKS.items():
        points = [one.found.point for one in group if one.verdict == word and one.found]
        colour = style.ORANGE if word == "short" else style.BLUE
        axes.plot(points, [0] * len(points), mark, color=colour, markersize=6, alpha=0.75, mew=0)
    axes.axvline(target.limit, color=style.INK, linewidth=1.5)
    ends = [target.limit, *(one.found.point for one in group if one.found)]
    # Room for half of a label beyond both ends.
    far = max(4.0, max(ends) / min(ends)) ** 0.14
    axes.set_xlim(min(ends) / far, max(ends) * far)
    counts = ", ".join(f"{sum(o.verdict == w for o in group)} {said}" for w, said in WORDS.items())
    axes.set_title(f"{target.says[:60]}: {counts}", fontsize=8, loc="left")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xticks(_apart(ends, target.limit))
    style.plain_ticks(axes.xaxis, show)


def _apart(ends: Sequence[float], limit: float) -> list[float]:
    """The bound, and each end whose label has room beside it: a fifth of the axis."""
    low, high = min(ends), max(ends)
    room = math.log(4 * high / low) / 5
    return [limit, *(end for end in {low, high} if abs(math.log(end / limit)) > room)]
