"""On which CPU a step's thread runs while it is timed: the same one for all that take turns.

CPUs of one machine differ: in what else their core does, in interrupts, in what a neighbour on the same host
does to them. The scheduler leaves a busy thread where it is, so that two workers that take turns may sit on
different ones for a whole launch, and one looks slower. On 2 virtual cores, of launches that compared a
workload with itself every fifth was off by 15 to 40 percent so, and without it the rest agree within 1.

Only steps that one thread computes are held, only while they are timed, and the next launch takes another
CPU; child processes stay free. Where several threads compute, holding the one showed no gain: launches of a
GPT-2 step on two threads differed by 2.7 percent free and by 3.8 held.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

#: The CPUs that this process may use, before anything was held.
_allowed: set[int] = set()


def choose(turn: int) -> int | None:
    """The CPU for that turn, out of those that this process may use; None where threads cannot be held."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    if not _allowed:
        _allowed.update(os.sched_getaffinity(0))
        os.register_at_fork(after_in_child=_free)
    cpus = sorted(_allowed)
    return cpus[turn % len(cpus)]


@contextlib.contextmanager
def held(cpu: int | None) -> Iterator[None]:
    """The calling thread stays on `cpu`; free as before on exit. None holds nothing."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _free() -> None:
    """A child process, such as a loader's, computes beside its parent and not in its place."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, _allowed)
