"""Targets as bullets: every case that a target applies to, with the bound as a line."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from harness.record import Json
from harness.report.plots import style
from harness.targets import FIGURES, TargetVerdict

MARKS = {"confirmed": "o", "short": "X", "inconclusive": "D"}
WORDS = {"confirmed": "met", "short": "missed", "inconclusive": "open"}


def target_bullets(targets: Sequence[TargetVerdict], info: Json) -> Figure | None:
    """One strip for each target, one mark for each case; None if no target could be judged."""
    by_target: dict[str, list[TargetVerdict]] = {}
    for one in targets:
        if one.found and one.found.point > 0 and one.verdict in MARKS:
            by_target.setdefault(one.target.id, []).append(one)
    if not by_target:
        return None
    title = "Targets: each mark is one case\no met, x missed, diamond open"
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
    axes.set_xlim(min(ends) / 2, max(ends) * 2)
    counts = ", ".join(f"{sum(o.verdict == w for o in group)} {said}" for w, said in WORDS.items())
    axes.set_title(f"{target.says[:60]}: {counts}", fontsize=8, loc="left")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xticks([min(ends), target.limit, max(ends)] if _apart(ends, target.limit) else [target.limit])
    style.plain_ticks(axes.xaxis, show)
    axes.tick_params(which="minor", length=0)


def _apart(ends: Sequence[float], limit: float) -> bool:
    """Whether three labels have room: each end a fifth of the axis away from the bound."""
    low, high = min(ends), max(ends)
    return low * 4 < limit < high / 4
