"""One launch: fresh workers, one for each variant of a group, measured in turn.

``time``     all workers of the group exist at once and run in lock step: one is timed while the
             others sleep on their pipes. A round visits every variant in a random order and then in the
             mirrored one (A B C C B A; of two variants ABBA or BAAB), so that a drift falls on all alike.
             Long steps take such turns within each step (see `slices`); one that fills the launch by itself
             is visited once.
``memory``   one worker at a time, alone: no peak is read from a process or a device that holds another.
``quality``  as memory; the seed changes from launch to launch, for a loss differs between seeds.

Whatever happens to one worker is an outcome of its case; the others go on.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness import clock, record, slices, stats
from harness.errors import WorkerFailed
from harness.record import Case, Json


class Worker(slices.Stoppable, Protocol):
    pid: int

    def ask(self, command: str, limit: float, **arguments: Any) -> Json: ...

    def wait(self, limit: float, command: str) -> None: ...

    def answer(self, limit: float, command: str = "build") -> Json: ...

    def close(self) -> None: ...


#: Starts a worker for a case with a seed; the engine and the run's settings are bound to it by the runner.
Start = Callable[[Case, int], Worker]


@dataclass(frozen=True)
class Pace:
    """How long a launch measures. Times in seconds."""

    rounds: int = 60
    """At most."""
    block: float = 0.01
    """A visit lasts about this long; longer where steps do (see `steps_per_visit`).

    What else a machine does comes in bursts of 10 to 100 ms. The shorter the visits, the more evenly it falls
    on all variants: of seven workloads of 20 us to 2 ms against themselves, beside a busy core, in launches
    of the same length, the error was 4.9 % in visits of 27 ms, 1.8 % in 7 ms, 1.4 % in 3 ms.
    """
    slice: float = 0.3
    """Visits that last LONG slices and more, of steps that do nothing but compute, take turns within a visit.

    A slice begins with cold caches, which cost some 1.5 ms: little of this one, and not the same of every
    variant's. What compares two versions of the same code takes shorter ones, in visits of up to a second.
    """
    lane: float = 3.0
    """No further round of a variant that has been timed this long in the launch."""
    sure: float = 0.0
    """A launch ends early when the error of its rounds is under this; 0 for never.

    What is left then is how launches differ, in where memory happened to lie. Only more launches tell that.
    """
    settle: float = 0.0005
    """Between visits: the threads of the worker timed last look for work a little before they sleep."""
    warm_up: float = 1.0
    limit: float = 300.0
    """A worker that does not answer for so long is a timeout."""
    hold_several: bool = True
    """Steps on several threads are held on CPUs as well. Beside other work that leaves a thread no way out.

    On two idle cores, held and free in turn, launches of a GPT-2 step against itself differed by 2.7 and
    1.3 % held, by 3.5 and 1.6 % free: no gain shown. Ratios of attention kernels of 2 to 10 ms differed by
    4.6 % held, 6.6 % free. Beside a busy core the GPT-2 step's differed by 9 % held; ratios of other steps,
    free, by 0.5 to 5 %.
    """


#: A visit has so many steps, or as many as SHORT seconds hold: the first two find cold caches, where another
#: worker ran before, and a median leaves them out. In stored runs the first took 48 % longer than later ones
#: at 3 ms a step, 14 % at 12 ms, 2 % at 50 ms; the second 12, 2 and 0 %.
FEWEST, SHORT = 5, 0.1
#: Slices of a visit that is long.
LONG = 5
#: Slices of a visit that is a round by itself. Longer visits have longer slices, up to LONGER, s: each costs
#: the runner 95 us, and steps of 12 s in slices of 10 ms varied by 0.4 %.
MANY, LONGER = 200, 0.01
#: Rounds whose spread says how sure a launch is.
TELLING = 8


@dataclass
class Lane:
    """One variant in a launch: its worker while that lives, and the record it will leave."""

    case: Case
    worker: Worker
    record: Json
    steps: int = 1
    stoppable: float = 0.0
    """About how long a visit lasts that can take turns with others within; 0 if it cannot."""
    timed: float = 0.0
    levels: list[float] = field(default_factory=list)
    """The median of each block."""
    waited: float = 0.0
    """Seconds from asking for a block to its answer, and what the runner used of a CPU meanwhile."""
    worked: float = 0.0

    @property
    def open(self) -> bool:
        return bool(self.record["outcome"] == record.OK)


def time_launch(start: Start, cases: list[Case], launch: int, pace: Pace) -> list[Json]:
    """The records of one launch of kind ``time``, in the order of `cases`."""
    dice = random.Random(f"{cases[0].group}/{launch}")
    with _lanes(start, cases, seed=0, limit=pace.limit, dice=dice) as lanes:
        for lane in dice.sample(lanes, len(lanes)):
            _attempt(lane, lambda lane: _warm_up(lane, pace))
        _compare(lanes, pace)
        _hold(lanes, launch, pace)
        visit = 0
        for number in range(pace.rounds):
            if pace.sure and number >= TELLING and _error(lanes) < pace.sure:
                break
            order = [lane for lane in lanes if lane.open and lane.timed < pace.lane]
            dice.shuffle(order)
            for turn in (order, order[::-1]):
                even = _turn(turn, visit, pace)
                visit += len(turn)
                if even and all(lane.timed >= pace.lane for lane in turn):
                    break
        for lane in lanes:
            lane.record["runner"] = round(lane.worked / lane.waited, 5) if lane.waited else 0.0
            _attempt(lane, lambda lane: _tell(lane, pace))
    return [_whole_rounds(lane.record) for lane in lanes]


def memory_launch(start: Start, cases: list[Case], launch: int, pace: Pace) -> list[Json]:
    """The records of one launch of kind ``memory``: the second step, when the optimizer has its state."""
    return [_alone(start, case, 0, pace, _memory) for case in cases]


def quality_launch(start: Start, cases: list[Case], launch: int, pace: Pace) -> list[Json]:
    """The records of one launch of kind ``quality``, from the seed that is the launch's number."""
    return [_alone(start, case, launch, pace, _quality) for case in cases]


LAUNCHES = {"memory": memory_launch, "time": time_launch, "quality": quality_launch}


def smaller(cases: list[Case], records: list[Json]) -> list[list[Case]]:
    """The sets to measure in place of `cases`, if they have shown not to fit the device together; else none.

    Half of the variants each, with a baseline of their own to be compared with. What does not fit beside its
    baseline either is measured alone: its time is known then, and what it can do to memory, but no speedup.
    """
    if len(cases) < 2 or all(one["outcome"] != record.OUT_OF_MEMORY for one in records):
        return []
    baseline = [case for case in cases if case.is_baseline]
    variants = [case for case in cases if not case.is_baseline]
    if len(variants) == 1:
        return [baseline, variants]
    half = len(variants) // 2
    return [baseline + variants[:half], baseline + variants[half:]]


def empty(case: Case) -> Json:
    return {"case": case.id, "variant": case.variant, "outcome": record.OK, "message": ""}


@contextlib.contextmanager
def _lanes(
    start: Start, cases: list[Case], seed: int, limit: float, dice: random.Random | None = None
) -> Iterator[list[Lane]]:
    """A lane for each case; all build at once, for building is not timed. Who starts first is drawn."""
    lanes: list[Lane] = []
    try:
        for case in dice.sample(cases, len(cases)) if dice else cases:
            lanes.append(Lane(case, start(case, seed), empty(case)))
        lanes.sort(key=lambda lane: cases.index(lane.case))
        for lane in lanes:
            _attempt(lane, lambda lane: lane.record.update(lane.worker.answer(limit)))
        yield lanes
    finally:
        for lane in lanes:
            lane.worker.close()


def _alone(start: Start, case: Case, seed: int, pace: Pace, measure: Callable[[Lane, Pace], None]) -> Json:
    with _lanes(start, [case], seed, pace.limit) as (lane,):
        _attempt(lane, lambda lane: measure(lane, pace))
    return lane.record


def _attempt(lane: Lane, action: Callable[[Lane], None]) -> None:
    """Does `action` unless the lane has failed; a failure becomes the record's outcome."""
    if not lane.open:
        return
    try:
        action(lane)
    except WorkerFailed as failed:
        _failed(lane, failed)


def _failed(lane: Lane, how: WorkerFailed) -> None:
    lane.record.update(outcome=how.outcome, message=how.message)
    lane.worker.close()


def _warm_up(lane: Lane, pace: Pace) -> None:
    warm = lane.worker.ask("warm_up", pace.limit, seconds=pace.warm_up)
    lane.record.update(warm, blocks=[], visits=[])
    step = min(warm["warmup"] or [warm["first_step"]])
    lane.steps = steps_per_visit(step, pace)
    lane.stoppable = lane.steps * step if lane.record.pop("stoppable", False) else 0.0


def steps_per_visit(step: float, pace: Pace) -> int:
    """As many steps of `step` seconds as fill a block; FEWEST, if that is more and fits into SHORT."""
    step = max(step, 1e-7)
    return max(1, round(pace.block / step), min(FEWEST, int(SHORT / step)))


def _compare(lanes: list[Lane], pace: Pace) -> None:
    """Each variant's first results against the baseline's. Without a baseline nothing can be compared."""
    baseline = lanes[0]
    if not baseline.open:
        return
    expected: Json = {}
    _attempt(baseline, lambda lane: expected.update(lane.worker.ask("evidence", pace.limit)))
    for lane in lanes:
        _attempt(lane, lambda lane: _equality(lane, expected, pace))


def _equality(lane: Lane, expected: Json, pace: Pace) -> None:
    lane.record["equality"] = lane.worker.ask("equality", pace.limit, to=expected)


def _hold(lanes: list[Lane], turn: int, pace: Pace) -> None:
    """All on the same CPUs, others in each launch; or none, where one of them cannot or may not be held.

    A single thread is held where no other process runs, as the first of them finds it.
    """
    held: list[Json] = []
    chosen: Json = {"turn": turn}

    def ask(lane: Lane, turn: int | None) -> None:
        held.append(lane.worker.ask("hold", pace.limit, turn=turn))

    if not pace.hold_several and any(lane.record.get("threads", 0) > 1 for lane in lanes):
        return
    _attempt(lanes[0], lambda lane: chosen.update(lane.worker.ask("free", pace.limit, turn=turn)))
    for lane in lanes:
        _attempt(lane, lambda lane: ask(lane, chosen["turn"]))
    if not all(held):
        for lane in lanes:
            _attempt(lane, lambda lane: ask(lane, None))


def _turn(order: list[Lane], visit: int, pace: Pace) -> bool:
    """A visit of each lane, the first of which is number `visit`; whether they took MANY turns within."""
    order = [lane for lane in order if lane.open]
    shortest = min((lane.stoppable for lane in order), default=0.0)
    if len(order) > 1 and shortest >= LONG * pace.slice:
        slice = max(pace.slice, min(shortest / MANY, LONGER))
        _sliced(order, visit, pace, slice)
        return shortest >= MANY * pace.slice
    for number, lane in enumerate(order, visit):
        _attempt(lane, lambda lane, number=number: _visit(lane, number, pace))  # type: ignore[misc]
    return False


def _visit(lane: Lane, visit: int, pace: Pace) -> None:
    time.sleep(pace.settle)
    start, worked = time.perf_counter(), time.process_time()
    lane.worker.begin("block", steps=lane.steps)
    lane.worker.wait(pace.limit, "block")
    lane.waited += time.perf_counter() - start
    lane.worked += time.process_time() - worked
    found = lane.worker.answer(pace.limit, "block")  # Read when no worker runs.
    lane.timed += found.get("took", sum(found["seconds"]))  # Workers of older commits send every step.
    _keep(lane, found["seconds"], visit)


def _sliced(order: list[Lane], visit: int, pace: Pace, slice: float) -> None:
    """All visits at once, which take turns within. Of its steps a visit keeps the mean."""
    worked = time.process_time()
    found = slices.visits([(lane.worker, lane.steps) for lane in order], slice, pace.limit)
    worked = (time.process_time() - worked) / len(order)
    for number, (lane, seconds) in enumerate(zip(order, found, strict=True), visit):
        if isinstance(seconds, WorkerFailed):
            _failed(lane, seconds)
            continue
        lane.waited += seconds
        lane.worked += worked
        lane.timed += seconds
        lane.record["slice"] = slice
        _keep(lane, [seconds / lane.steps], number)


def _keep(lane: Lane, seconds: list[float], visit: int) -> None:
    lane.levels += stats.medians([seconds])
    lane.record["blocks"].append(clock.kept(seconds))
    lane.record["visits"].append(visit)


def _error(lanes: list[Lane]) -> float:
    """Of the least certain of the log ratios to the first lane, so far; of a lane that has failed none."""
    baseline, *others = lanes
    rounds = [stats.rounds(baseline.levels, lane.levels) for lane in others if lane.open and baseline.open]
    return max((stats.launch_error(values) for values in rounds if values), default=0.0)


def _tell(lane: Lane, pace: Pace) -> None:
    lane.record.update(lane.worker.ask("figures", pace.limit))


def _whole_rounds(record: Json) -> Json:
    """A worker that failed between a round's two visits leaves half a round, which compares with nothing.

    Visits that took turns within compare by themselves.
    """
    if len(record.get("blocks", ())) % 2 and "slice" not in record:
        record["blocks"].pop()
        record["visits"].pop()
    return record


def _memory(lane: Lane, pace: Pace) -> None:
    lane.record.update(lane.worker.ask("warm_up", pace.limit, seconds=0.0))
    found = lane.worker.ask("memory", pace.limit)
    found["host"]["start_rss"] = lane.record.pop("start_rss", 0)
    lane.record.update(found)
    _tell(lane, pace)
    if lane.case.is_baseline or lane.record.get("own_work"):
        lane.record.update(lane.worker.ask("flops", pace.limit))


def _quality(lane: Lane, pace: Pace) -> None:
    lane.record.update(lane.worker.ask("quality", pace.limit))
    _tell(lane, pace)
