"""Where a step's time goes: data, forward, backward, optimizer, as shares of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import units
from harness.record import OK, Json
from harness.report.plots import style
from harness.rows import CaseSummary

PREFIX = "part:"
#: From left to right, each with its fill and hatch: told apart without colour too.
FILLS: Mapping[str, tuple[str, str]] = {
    "data": (style.QUIET, ""),
    "extraction": (style.PALE, "xx"),
    "forward": (style.BAND, ""),
    "backward": (style.PALE, "//"),
    "optimizer": (style.BAND, "\\\\"),
    "other": (style.PAPER, ""),
}
#: A step that is one part by this share, as inference is its forward pass, needs no picture.
ALL = 0.95
#: A part under this share has no room for its name.
NAMED = 16


def step_parts(technique: str, rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """None where no record tells the parts of a step, or every step is all one of them."""
    told = [(row, found) for row in rows if row.outcome == OK and (found := parts(row))]
    shown = [(row, found) for row, found in told if max(found.values()) < ALL * sum(found.values())]
    every, shown = len(shown), shown[: style.MOST]
    if not shown:
        return None
    title = style.heading(technique, "where a step's time goes")
    with style.sheet(style.tall(len(shown)), title, info) as figure:
        axes = figure.subplots()
        for number, (row, found) in enumerate(shown):
            _draw(axes, len(shown) - number - 1, row, found)
        axes.set_xlim(0, 100)
        style.rows_only(axes, len(shown), every)
        axes.set_xlabel("share of a step (%), in steps that time each part alone")
    return figure


def parts(row: CaseSummary) -> dict[str, float]:
    """Seconds of each part, in the order of FILLS; what the record tells beyond them is other."""
    told = {
        name.removeprefix(PREFIX): value
        for name, value in row.figures.items()
        if name.startswith(PREFIX) and not isinstance(value, str)
    }
    found = {name: told.pop(name) for name in FILLS if name in told}
    if told:
        found["other"] = found.get("other", 0.0) + sum(told.values())
    return found if sum(found.values()) > 0 else {}


def _draw(axes: Axes, y: float, row: CaseSummary, found: Mapping[str, float]) -> None:
    whole, left = sum(found.values()), 0.0
    for name, seconds in found.items():
        share = 100 * seconds / whole
        fill, hatch = FILLS[name]
        style.bar(axes, y - 0.13, left, share, fill, hatch=hatch, edgecolor=style.INK, linewidth=0.6)
        if share >= NAMED:
            axes.text(
                left + share / 2,
                y - 0.13,
                name,
                ha="center",
                va="center",
                fontsize=7,
                bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.8},
            )
        left += share
    shares = {name: 100 * seconds / whole for name, seconds in found.items()}
    told = ", ".join(f"{name} {share:.0f} %" for name, share in shares.items() if share >= 0.5)
    style.row(axes, y, style.case(row, f": {units.seconds(whole)}"), told)
