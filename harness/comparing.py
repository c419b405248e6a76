"""A comparison is measured: two sides in turn, case by case; then again, where something looks changed.

The one place that puts the engines of both sides, journal, runner and terminal together.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from harness import compare, machine, significance
from harness.changes import View
from harness.engines import local
from harness.engines.elsewhere import ElsewhereEngine
from harness.engines.warm_process import Side
from harness.errors import BadInput
from harness.launch import Pace, Start, Worker
from harness.record import Case, Json
from harness.runner import Conditions, Plan, Runner, Watch
from harness.settings import Settings
from harness.store import Journal

#: Half-width of the interval at which a case has been measured enough: regressions are small.
PRECISION = 0.02
#: Three launches that agree within half of that are enough, see `precision.BY_CHANCE`. Of others there are as
#: many as it takes and the time allows, but for those that would take for ever.
FEWEST, MOST = 3, 40
#: A launch that is as sure of its ratio ends: what is left is how launches differ.
SURE = PRECISION / 4
#: Slices in which long steps take turns, s. Cold caches cost both sides as much: 8 % at 3 ms in place of
#: 10. Where a host's neighbours come and go, launches of an attention of 8 ms a step, an encoder of 26 and
#: a GPT-2 step of 170 were off by 4.7, 8.0 and 4.4 % in whole visits, by 2.2, 2.4 and 3.4 % in slices of
#: 10 ms, 2.5, 2.0 and 1.6 % of 5 ms, 0.9, 1.8 and 1.5 % of 3 ms. Each costs the runner 95 us: 1.4, 2.4 and
#: 3.5 % of a core.
SLICE = 0.004
#: Of a case's part of the budget what each side is timed for in a launch, and the shortest, s. Launches are
#: the unit: of the same time many short ones tell more than a few long ones. Beside a busy core of twenty
#: workloads, in 10 s each, +5 % would have been found in 60 % at 0.8 s, in 70 % at 0.6 s, in 84 % at 0.4 s,
#: in 80 % at 0.2 s: there a launch has so few rounds that some are far off.
LANE, SHORTEST = 0.04, 0.1
#: Visits of a launch at least, as far as steps are short enough.
VISITS = 30
#: Of the time that is left, what a first look may take; the rest is for measuring again what looks changed.
FIRST_LOOK = 0.65
#: Launches of a second look, at most.
AGAIN = significance.CONFIRMS[-1][0]
KINDS = ("memory", "time")


@dataclass(frozen=True)
class Asked:
    """What is to be compared."""

    names: list[str]
    profile: str
    device: str
    folders: tuple[str, str]
    """The declarations of both sides; empty for each side's own."""
    memory_limit: int


@dataclass(frozen=True)
class Cell:
    """A case that both sides have."""

    case: Case
    kinds: tuple[str, ...]
    fresh: bool


class Pair:
    """Both sides, ready to start workers."""

    def __init__(self, engines: tuple[ElsewhereEngine, ElsewhereEngine], asked: Asked, scratch: Path) -> None:
        self.engines = engines
        renew(engines)
        self.facts = [engine.call("facts", 120) for engine in engines]
        found = self.facts[0]["device"] if asked.device == "auto" else asked.device
        self.asked = dataclasses.replace(asked, device=found)
        self._scratch = scratch
        self.cells, self.notes = self._common()

    def _common(self) -> tuple[list[Cell], list[str]]:
        """The cases of both, and what only one has. Raises BadInput if there is none."""
        asked = self.asked
        plans = [
            engine.call("plan", 120, asked.names, asked.profile, asked.device, folder)
            for engine, folder in zip(self.engines, asked.folders, strict=True)
        ]
        self.folders = [plan["folder"] for plan in plans]
        first, second = ({cell.case.id: cell for cell in _cells(plan)} for plan in plans)
        common = [cell for name, cell in first.items() if name in second]
        if not common:
            names = ", ".join(asked.names) or "any benchmark"
            raise BadInput(f"the two sides have no case of {names} in common, so nothing was measured")
        notes = [
            f"only {engine.side.label} has {len(alone)} of the cases, such as {sorted(alone)[0]}"
            for engine, alone in zip(
                self.engines, (first.keys() - second, second.keys() - first), strict=True
            )
            if alone
        ]
        return common, notes

    def start(self, lanes: dict[str, tuple[Cell, int]]) -> Start:
        """Workers by the id of a lane: the case to build, and on which side."""

        def start(lane: Case, seed: int) -> Worker:
            cell, side = lanes[lane.id]
            return self.engines[side].start(self.spec(lane, cell, side, seed), fresh=cell.fresh)

        return start

    def spec(self, lane: Case, cell: Cell, side: int, seed: int) -> Json:
        return spec(self.asked, self._scratch, lane, cell, self.folders[side], seed)


def renew(engines: tuple[ElsewhereEngine, ElsewhereEngine]) -> None:
    """The next workers come from new warm processes, which start beside each other: nothing is timed yet."""
    needs = {name for engine in engines for name in engine.needs}
    for engine in engines:
        engine.renew()
        engine.needs |= needs
    for engine in engines:
        engine.prepare()


def spec(asked: Asked, scratch: Path, lane: Case, cell: Cell, folder: str, seed: int) -> Json:
    return {
        "case": cell.case.as_json(),
        "benchmarks": folder,
        "seed": seed,
        "memory_limit": None if cell.case.device == "cuda" else asked.memory_limit,
        "environment": local.environment(scratch, lane.id, lane.variant),
    }


def _cells(plan: Json) -> Iterator[Cell]:
    for group in plan["groups"]:
        kinds = tuple(kind for kind in KINDS if kind in group["kinds"])
        if kinds:
            for case in group["cases"]:
                yield Cell(Case.from_json(case), kinds, group["fresh"])


@contextlib.contextmanager
def pair(sides: tuple[Side, Side], asked: Asked, scratch: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(ElsewhereEngine(side, scratch / name))
            for side, name in zip(sides, "AB", strict=True)
        )
        yield Pair((one, other), asked, scratch)


def described(both: Pair) -> list[Json]:
    """Both sides as they are stored: no path of the user's."""
    return [
        {"label": _label(engine.side), "commit": engine.side.commit, **facts}
        for engine, facts in zip(both.engines, both.facts, strict=True)
    ]


def _label(side: Side) -> str:
    return Path(side.label).name if "/" in side.label and Path(side.label).exists() else side.label


def info(both: Pair, profile: str, groups: list[list[Case]]) -> Json:
    return {
        "profile": "compare",
        "of": profile,
        "device": both.asked.device,
        "names": both.asked.names,
        "machine": machine.fingerprint(),
        "sides": described(both),
        "notes": both.notes,
        "plan": {"groups": [[case.as_json() for case in group] for group in groups]},
    }


def create(out: Path, info: Json) -> Journal:
    """A new folder beside the machine's runs, one level deeper: no command takes it for a run to judge."""
    return Journal.create(out, f"{machine.slug(info['machine'])}/compare", info)


def pace(most: Pace, seconds: float) -> Pace:
    """Of launches where a case may take so many seconds; none is longer than `most` has it."""
    lane = min(most.lane, max(LANE * seconds, SHORTEST))
    return dataclasses.replace(
        most,
        block=min(most.block, lane / VISITS),
        lane=lane,
        warm_up=min(most.warm_up, lane / 3),
        slice=SLICE,
        sure=SURE,
    )


class Confirming(Journal):
    """Launches of a second look, which are judged by themselves."""

    def append(self, launch: Json) -> None:
        super().append({**launch, "confirms": True})


def measure(both: Pair, journal: Journal, settings: Settings, progress: Watch) -> bool:
    """A first look at every case, a second at what looks changed, and on in turn while there is time.

    What is left then makes the ratios of what has changed as precise as those of the rest.

    False if the budget ended before each case had the launches that it has at least, or before what looks
    changed was measured again.
    """
    cells = {cell.case.id: cell for cell in both.cells}
    lanes = {}
    for cell in cells.values():
        for side, lane in enumerate(compare.lanes(cell.case)):
            lanes[lane.id] = (cell, side)
    return look(both, journal, journal.run.groups, lanes, settings, progress)


def look(
    both: Pair,
    journal: Journal,
    groups: list[list[Case]],
    lanes: dict[str, tuple[Cell, int]],
    settings: Settings,
    progress: Watch,
    now: Callable[[], float] = time.monotonic,
    conditions: Callable[[], Conditions] = machine.Conditions,
) -> bool:
    """As `measure`, of these groups only; `lanes` says by a lane's id what it is, and on which side."""
    ends = now() + settings.budget
    start = both.start(lanes)
    every = _plan(groups, lambda case: lanes[case.id][0].kinds)
    plan = dataclasses.replace(every, leave=_Suspects(journal, groups))

    def left() -> float:
        return ends - now()

    def run(plan: Plan, journal: Journal, settings: Settings) -> bool:
        return Runner(start, journal, settings, conditions(), progress, now).run(plan)

    def first() -> bool:
        return run(plan, journal, dataclasses.replace(settings, budget=FIRST_LOOK * left()))

    def second() -> bool:
        return _again(both, journal, groups, settings, run, left)

    while True:
        made = len(journal.run.launches)
        whole = first()
        if not second():
            return False
        if made == len(journal.run.launches):  # All is told; now how large the changes are.
            run(every, journal, dataclasses.replace(settings, budget=left()))
            return whole
        longest = max((launch["seconds"] for launch in journal.run.launches), default=math.inf)
        # A case without its fewest launches gets them however long they take, so not at the very end.
        if left() <= (0 if whole else longest):
            return whole


class _Suspects:
    """Groups whose time looks changed: the second look decides about them, the first goes on with the others.

    It is asked before each launch, and what it knows of a group stays until that has another.
    """

    def __init__(self, journal: Journal, groups: list[list[Case]]) -> None:
        self._run = journal.run
        self._groups = groups
        self._made: Counter[str] = Counter()
        self._found: dict[str, compare.Effects] = {}

    def __call__(self) -> Collection[str]:
        made = Counter(launch["group"] for launch in self._run.launches)
        run = View(self._run.info, self._run.launches)
        for group in self._groups:
            if made[group[0].group] != self._made[group[0].group]:
                self._found |= compare.effects(compare.part(run, [group]))
        self._made = made
        return compare.alarms(self._found)


def _plan(groups: list[list[Case]], kinds: Callable[[Case], tuple[str, ...]]) -> Plan:
    return Plan(groups, kinds, unsupported=lambda case: None, fresh=lambda case: False)


def _again(
    both: Pair,
    journal: Journal,
    groups: list[list[Case]],
    settings: Settings,
    run: Callable[[Plan, Journal, Settings], bool],
    left: Callable[[], float],
) -> bool:
    """Launches in new processes for each alarm that was not shown again yet; whether the budget sufficed."""
    suspects = compare.suspects(compare.part(View(journal.run.info, journal.run.launches), groups))
    second = Confirming(journal.run, journal._lines)
    renewed = False
    for group in groups:
        name = group[0].group
        plan = _plan([group], lambda case: ("time",))
        for number, _ in significance.CONFIRMS if name in suspects else ():
            own = compare.part(View(journal.run.info, journal.run.launches), [group])
            if compare.shown_again(own, name, suspects[name]):
                break
            timed = [bool(one.get("confirms")) for one in own.launches if one["kind"] == "time"]
            if timed.count(True) >= number:
                continue
            if left() <= 0:
                return False
            if not renewed:
                renew(both.engines)
                renewed = True
            wanted = timed.count(False) + number
            if not run(plan, second, dataclasses.replace(settings, budget=left(), launches=(wanted, wanted))):
                return False
    return True
