"""This harness: both sides live, launches in turn, as `compare` measures two commits."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

from harness import compare, comparing, limits
from harness.changes import Comparison, View
from harness.engines.warm_process import HERE, Side
from harness.launch import Pace
from harness.record import Case, Json
from harness.runner import Plan
from harness.settings import Settings
from harness.store import Run
from trust import declared
from trust.verdicts import FAILED, FASTER, SLOWER, UNCHANGED, Plant, Verdict

NAME = "claimbench"
#: Launches of 40 s a verdict; less time has shorter ones.
PACE = Pace(lane=1.6, warm_up=0.2)
WORDS = {"slower": SLOWER, "faster": FASTER, "same": UNCHANGED, "unclear": UNCHANGED}


class Silent:
    """Nobody follows the run: the table comes at the end."""

    def planned(self, plan: Plan, settings: Settings) -> None: ...

    def begins(self, group: list[Case], kind: str, launch: int) -> None: ...

    def ends(self, group: list[Case], launch: Json) -> None: ...

    def measured(self, group: list[Case]) -> None: ...


def measure(plants: Sequence[Plant], seconds: float, folder: Path) -> list[Verdict]:
    """The verdicts, with `seconds` for each of them."""
    units = [{one.work: one.units[side] for one in plants} for side in (0, 1)]
    launches, pace = (comparing.FEWEST, comparing.MOST), comparing.pace(PACE, seconds)
    settings = Settings(seconds * len(plants), comparing.PRECISION, launches, pace)
    found, run = compared(units, settings, folder)
    return [_verdict(one, found, run) for one in plants]


def compared(
    units: Sequence[Mapping[str, int]],
    settings: Settings,
    folder: Path,
    module: str = "workloads",
    kind: str = "time",
) -> tuple[Comparison, Run]:
    """Both sides compared, each with its own `units`, built by ``trust.MODULE.build``."""
    places = [
        str(declared.write(folder / name, each, module, kind)) for name, each in zip("AB", units, strict=True)
    ]
    sides = (Side("A", sys.executable, HERE), Side("B", sys.executable, HERE))
    free = int(0.9 * limits.available_memory())
    asked = comparing.Asked([], "quick", "cpu", (places[0], places[1]), free)
    with comparing.pair(sides, asked, folder / "scratch") as both:
        groups = [compare.lanes(cell.case) for cell in both.cells]
        journal = comparing.create(folder / "runs", comparing.info(both, "quick", groups))
        try:
            comparing.measure(both, journal, settings, Silent())
        finally:
            journal.close()
    return compare.live(View(journal.run.info, journal.run.launches), "A", "B"), journal.run


def _verdict(plant: Plant, found: Comparison, run: Run) -> Verdict:
    """Of the time. Without launches enough the case is not in `found`, or not told."""
    case = next((one for one in found.cases if f"work={plant.work}@" in one.name), None)
    change = case.changes.get("time") if case else None
    if change is None or change.ratio is None:
        return Verdict(NAME, plant.work, FAILED, None, words="not measured within its time")
    words, said = f"{change.verdict}, {change.reason}", WORDS[change.verdict]
    level, runner = _level(plant.work, run), _runner(plant.work, run)
    return Verdict(NAME, plant.work, said, change.ratio.point, level, words, runner)


def _runner(work: str, run: Run) -> float:
    launches = [one for one in run.launches if f"work={work}@" in one["group"]]
    return fmean(record["runner"] for one in launches for record in one["records"])


def _level(work: str, run: Run) -> float | None:
    """Seconds per step of side A: the median over launches of the medians of their blocks."""
    found = [
        median(median(block) for block in record["blocks"])
        for launch in run.launches
        for record in launch["records"]
        if record["variant"] == compare.A and f"work={work}@" in record["case"] and record.get("blocks")
    ]
    return median(found) if found else None
