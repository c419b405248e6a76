"""On which CPUs a step's threads run while it is timed: the same ones for all that take turns.

CPUs of one machine differ: in what else their core does, in interrupts, in what a neighbour on the same host
does to them. The scheduler leaves a busy thread where it is, so that two workers that take turns may sit on
different ones for a whole launch, and one looks slower; or two threads of a step share a CPU for as long, and
it takes twice its time. On 2 virtual cores, of launches that compared a workload with itself every fifth was
off by 15 to 40 percent so, and without it the rest agree within 1.

Threads that compute are held, each on a CPU of its own, only while they are timed, and the next launch takes
other CPUs; child processes stay free. Where there are more threads than CPUs, none is. A thread that computes
alone is held where no other process wants to run: beside a busy core that is the other one, in every launch.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from harness import cpu

#: A thread computes if it had this share of the CPU time of the busiest, at least.
SHARE = 0.1

#: A CPU is free where a thread that wants to run waits for less than this share of the time.
FREE = 0.05
#: For how long that is tried, s, and on how many CPUs at most.
TRIED, TRIES = 0.01, 8

#: The CPUs that this process may use, before anything was held.
_allowed: set[int] = set()


#: Nanoseconds that each thread has run, and has waited for a CPU while it wanted to run, by the thread's id.
Times = Mapping[int, tuple[int, int]]


def times(thread: str = "*") -> Times:
    """Of the threads of this process; empty where nobody tells."""
    found = {}
    for path in Path("/proc/self/task").glob(f"{thread}/schedstat"):
        with contextlib.suppress(OSError):  # The thread has ended.
            ran, waited, _ = path.read_text().split()
            found[int(path.parent.name)] = (int(ran), int(waited))
    return found


def waiting() -> float:
    """The share of the time for which this thread, that wants to run, has to wait for its CPU."""
    me, start = threading.get_native_id(), time.perf_counter()
    before = times(str(me)).get(me, (0, 0))
    while time.perf_counter() < start + TRIED:
        pass
    after = times(str(me)).get(me, (0, 0))
    return (after[1] - before[1]) / 1e9 / (time.perf_counter() - start)


def free(turn: int, waiting: Callable[[], float] = waiting) -> int:
    """The first turn from this one on in which this thread alone has its CPU; else where it waits least."""
    me, shares = threading.get_native_id(), {}
    for each in range(turn, turn + min(TRIES, len(cpu.allowed()))):
        with held(choose(each, [me])):
            shares[each] = waiting()
        if shares[each] < FREE:
            break
    return min(shares, key=shares.__getitem__, default=turn)


def computing(before: Times, after: Times) -> list[int]:
    """The threads that computed in between: the one that asks, and then the others."""
    spent = {thread: ran - before.get(thread, (0, 0))[0] for thread, (ran, _) in after.items()}
    least = SHARE * max(spent.values(), default=0)
    asks = threading.get_native_id()
    others = [thread for thread, time in spent.items() if time > least and thread != asks]
    return [asks, *sorted(others)] if asks in spent else []


def awake(before: Times, after: Times, seconds: float) -> float:
    """The share of the `seconds` in between in which the busiest thread ran or wanted to; 0 if not known."""
    spent = [sum(both) - sum(before.get(thread, (0, 0))) for thread, both in after.items()]
    return max(spent, default=0) / 1e9 / seconds if seconds else 0.0


def choose(turn: int, threads: Sequence[int]) -> dict[int, int]:
    """A CPU for each of the threads, of those that this process may use, and others in the next turn.

    Empty where there are too few CPUs, or where threads cannot be held.
    """
    if not hasattr(os, "sched_setaffinity"):
        return {}
    if not _allowed:
        _allowed.update(os.sched_getaffinity(0))
        os.register_at_fork(after_in_child=_free)
    cpus = sorted(_allowed)
    if len(threads) > len(cpus):
        return {}
    return {thread: cpus[(turn + place) % len(cpus)] for place, thread in enumerate(threads)}


@contextlib.contextmanager
def held(places: Mapping[int, int]) -> Iterator[None]:
    """Each thread stays on its CPU; free as before on exit."""
    before: dict[int, set[int]] = {}
    try:
        for thread, cpu in places.items():
            with contextlib.suppress(ProcessLookupError):
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, {cpu})
        yield
    finally:
        for thread, cpus in before.items():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cpus)


def _free() -> None:
    """A child process, such as a loader's, computes beside its parent and not in its place."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, _allowed)
