"""A calibration on the terminal: a line for each comparison as it ends, then what they tell together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from harness import compare, units
from harness.calibration import line
from harness.changes import View
from harness.record import Case, Json
from harness.report import cells, table
from harness.report.progress import _left
from harness.stats import Interval
from harness.store import Run


class Told:
    """What is said while it goes on; with --format json on standard error."""

    def __init__(self, run: Run, *, quiet: bool, console: Console | None = None) -> None:
        self._run = run
        self._console = console or Console(stderr=quiet, highlight=False, soft_wrap=True)
        self.say(cells.heading(run.info))
        self.say(f"results: {run.folder}")

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def compared(self, group: list[Case], left: float) -> None:
        run = compare.part(View(self._run.info, self._run.launches), [group])
        (found,) = compare.live(run, "A", "B").cases
        change, parameters = found.changes.get("time"), group[0].parameters
        told = f"{change.verdict} {_ratio(change.ratio)}" if change else "it failed"
        more = f"; {_left(left)}" if left > 0 else ""
        self.say(f"{parameters['number'] + 1}. {parameters['planted']} % planted: {told}{more}")


def _ratio(found: Interval | None) -> str:
    return units.between(found, lambda value: f"{value:.4f}x") if found else ""


def show(found: Json, folder: Path) -> None:
    console = table._console()
    lines = table._table("calibration", ("what", "found"))
    for what, says in rows(found):
        lines.add_row(what, says)
    console.print(lines)
    console.print(line(found))
    console.print(f"results: {folder}")


def rows(found: Json) -> list[tuple[str, str]]:
    same, finds = found["same"], found["finds"]
    return [
        ("no change", _same(same)),
        *((f"+{extra} % planted", _planted(one)) for extra, one in found["planted"].items()),
        ("smallest change found", _finds(finds)),
        ("no change is read as", _read(found["bias"]["same"])),
        ("clock against a bare loop", _read(found["bias"]["clock"])),
        *_noise(found["noise"]),
    ]


def _same(same: Json) -> str:
    text = f"{same['false_alarms']} false alarms of {same['n']}, at most {units.percent(same['at_most'])}"
    text += f"; {same['alarms']} before measuring again; {same['misses']} intervals of 95 % miss 1"
    pool = same.get("pooled", same)
    if pool["n"] > same["n"]:
        text += (
            f"; with earlier calibrations {pool['false_alarms']} of {pool['n']},"
            f" at most {units.percent(pool['at_most'])}"
        )
    return text


def _planted(one: Json) -> str:
    least = units.percent(one["at_least"])
    return f"found in {one['found']} of {one['n']} (at least {least}), read as {_read(one['read'])}"


def _finds(finds: Json) -> str:
    if finds["change"] is None:
        return "none: it takes comparisons of no change, and two launches or more in each"
    width = f", half-width {units.percent(finds['half_width'])}" if finds["half_width"] else ""
    change = units.percent(finds["change"])
    return f"+{change} in {finds['power']:.0%} of cases, with {finds['launches']} launches{width}"


def _read(one: dict[str, Any] | None) -> str:
    if one is None:
        return "not measured"
    if one["high"] is None:
        return f"{one['point']:.4f}x (once)"
    return _ratio(Interval(one["point"], one["low"], one["high"], one["n"]))


def _noise(noise: Json) -> list[tuple[str, str]]:
    says = {
        "launches": ("ratios of launches differ by", units.percent),
        "levels": ("step times of launches differ by", units.percent),
        "drift": ("drift within a launch", units.percent),
        "spikes": ("steps a quarter above their block", units.percent),
        "load_of_others": ("load of others, cores", units.plain),
    }
    return [(says[name][0], says[name][1](value)) for name, value in noise.items() if value is not None]
