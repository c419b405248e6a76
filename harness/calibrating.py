"""A calibration is measured: comparisons whose answer is known, one after another, until the budget ends.

Each is what `compare` does with one case: two sides in turn, launch by launch until it is precise enough,
and again in new processes where something looks changed. Nothing is shared between comparisons, neither a
launch nor a warm process, so what is counted over them is counted over independent trials.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import harness.planted
from harness import comparing
from harness.comparing import Cell, Pair
from harness.record import Case, Json
from harness.runner import Plan
from harness.settings import Settings
from harness.store import Journal

#: The declarations of what is planted.
PLANTED = Path(harness.planted.__file__).parent
#: Per cent of work that are planted, over and over: most often none, for false alarms are rare.
ORDER = (0, 5, 0, 2, 0, 0, 10, 0, 0)
#: No comparison takes longer than this, s: with hung workers, say.
LONGEST = 900.0

#: Told after each comparison: its number, what was planted, and the seconds that are left.
Told = Callable[[list[Case], float], None]


def lanes(number: int, extra: int, device: str) -> list[Case]:
    """The two sides as which a comparison is stored."""
    parameters = {"variant": f"plus-{extra}", "planted": extra, "number": number}
    return [
        Case("calibration", name, "A", "units", "infer", device, parameters, "comparison") for name in "AB"
    ]


def measure(both: Pair, journal: Journal, settings: Settings, ends: float, told: Told) -> None:
    """At least one comparison, and as many as there is room for until `ends`, of time.monotonic().

    None is begun that would end too late if it took as long as the others did, and none is cut short: what
    looks changed takes longer, and leaving it out would leave out alarms.
    """
    cells = {cell.case.variant: cell for cell in both.cells}
    took: list[float] = []
    for number, extra in enumerate(itertools.cycle(ORDER)):
        begins = time.monotonic()
        if number and begins + median(took) > ends:
            return
        if number:
            comparing.renew(both.engines)
        group = lanes(number, extra, both.asked.device)
        _compare(both, journal, group, (cells["plus-0"], cells[f"plus-{extra}"]), settings)
        took.append(time.monotonic() - begins)
        told(group, ends - time.monotonic())


def _compare(
    both: Pair, journal: Journal, group: list[Case], sides: tuple[Cell, Cell], settings: Settings
) -> None:
    journal.plan(group)
    at = {lane.id: (cell, side) for side, (lane, cell) in enumerate(zip(group, sides, strict=True))}
    patient = dataclasses.replace(settings, budget=LONGEST)
    comparing.look(both, journal, [group], at, patient, _Nobody())


class _Nobody:
    """Watches the runner: what is told is told after each comparison."""

    def planned(self, plan: Plan, settings: Settings) -> None: ...

    def begins(self, group: list[Case], kind: str, launch: int) -> None: ...

    def ends(self, group: list[Case], launch: Json) -> None: ...

    def measured(self, group: list[Case]) -> None: ...
