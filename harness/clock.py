"""Time of a step: synchronize the device, then read the clock. A leaf; only a device's clock imports torch.

A clock's own cost goes into what it measures, so steps shorter than ``SHORT`` are timed in groups. `now` is
the idea of ``timer()`` in torch.utils.benchmark: one function that means "the work is done, and it is now".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

Counter = Callable[[], float]
Step = Callable[[], Any]

#: Steps shorter than this are timed in groups that last this long, s: then the clock costs about 0.1 %.
SHORT = 100e-6
#: Of steps of microseconds a block has thousands: their median and quantiles need no more than these.
STORED = 40


class Clock(Protocol):
    def now(self) -> float:
        """Seconds from an arbitrary start, after all work given to the device so far has ended."""

    def block(self, step: Step, steps: int) -> list[float]:
        """Does `step` that often; seconds of each. Those of a group have the group's mean."""


class HostClock:
    """On the CPU a step has ended when it returns."""

    def __init__(self, counter: Counter = time.perf_counter) -> None:
        self._counter = counter

    def now(self) -> float:
        return self._counter()

    def block(self, step: Step, steps: int) -> list[float]:
        seconds: list[float] = []
        size = 1
        while len(seconds) < steps:
            size = min(size, steps - len(seconds))
            each = self._group(step, size)
            seconds += [each] * size
            size = group_size(each)
        return seconds

    def _group(self, step: Step, size: int) -> float:
        """The mean seconds of `size` steps."""
        counter = self._counter
        if size == 1:
            start = counter()
            step()
            return counter() - start
        start = counter()
        for _ in range(size):
            step()
        return (counter() - start) / size


class CudaClock:
    """On CUDA a step returns before its kernels have run: events between steps, one synchronize at the end.

    An event is stamped by the device when the work before it on the current stream is done, to about 0.5 us.
    So work of a step that runs on the host while the device is idle is in its time as well. `cuda` is
    ``torch.cuda``; a test gives its own.
    """

    def __init__(self, device: str = "cuda", cuda: Any = None, counter: Counter = time.perf_counter) -> None:
        self._device = device
        self._given = cuda
        self._counter = counter

    @property
    def _cuda(self) -> Any:
        # Not when the clock is made: importing torch.cuda is slow, and forking after touching it is unsound.
        if self._given is None:
            import torch

            self._given = torch.cuda
        return self._given

    def now(self) -> float:
        self._cuda.synchronize(self._device)
        return self._counter()

    def block(self, step: Step, steps: int) -> list[float]:
        """The first step ends before the second begins: from its time comes the size of the groups."""
        if steps < 1:
            return []
        with self._cuda.device(self._device):
            self._cuda.synchronize(self._device)
            (first,) = self._events(step, [1])
            sizes = _groups(steps - 1, group_size(first))
            means = self._events(step, sizes)
        return [first, *(mean for mean, size in zip(means, sizes, strict=True) for _ in range(size))]

    def _events(self, step: Step, sizes: list[int]) -> list[float]:
        """The mean seconds of a step in each of the groups that follow each other."""
        marks = [self._cuda.Event(enable_timing=True) for _ in range(len(sizes) + 1)]
        marks[0].record()
        for size, mark in zip(sizes, marks[1:], strict=True):
            for _ in range(size):
                step()
            mark.record()
        self._cuda.synchronize(self._device)
        seconds = (start.elapsed_time(end) / 1e3 for start, end in pairwise(marks))
        return [each / size for each, size in zip(seconds, sizes, strict=True)]


def group_size(seconds: float) -> int:
    """How many steps of that length are timed together: one, or as many as fill ``SHORT``."""
    return 1 if seconds >= SHORT else math.ceil(round(SHORT / max(seconds, 1e-9), 6))


def _groups(steps: int, size: int) -> list[int]:
    """`steps` in groups of `size`, the last as large as is left."""
    return [min(size, steps - done) for done in range(0, steps, size)]


def of(device: str) -> Clock:
    """The clock for steps on `device`; makes no contact with it."""
    return CudaClock(device) if device.startswith("cuda") else HostClock()


def overhead(step_seconds: float = 1e-3, counter: Counter = time.perf_counter) -> float:
    """What timing costs, as a share of a step of that length: the time of an empty step, call included.

    The least of several tries, because an interruption is no cost of the clock. On CUDA the events cost the
    device nothing that the host's next launches do not hide.
    """
    clock, size = HostClock(counter), group_size(step_seconds)
    return min(_seconds_of(clock, size, counter) for _ in range(10)) / step_seconds


def _seconds_of(clock: HostClock, size: int, counter: Counter) -> float:
    """Seconds that the clock itself takes for each step, timed in groups of `size`."""
    groups = max(1, 200 // size)
    start = counter()
    for _ in range(groups):
        clock._group(_nothing, size)
    return (counter() - start) / (groups * size)


def _nothing() -> None:
    """A step that does nothing."""


def bias(clock: Clock, step: Step, rounds: int = 4, seconds: float = 0.03) -> float:
    """log(a step's time by `clock` / by a bare loop between two readings): 0 if timing costs nothing.

    The two take turns, ABBA, in blocks of about that many seconds; the median of the rounds.
    """

    def bare() -> float:
        start = clock.now()
        for _ in range(steps):
            step()
        return (clock.now() - start) / steps

    def timed() -> float:
        return sum(clock.block(step, steps)) / steps

    steps = max(1, round(seconds / max(clock.block(step, 1)[0], 1e-7)))
    found = []
    for _ in range(rounds):
        a, b, c, d = timed(), bare(), bare(), timed()
        found.append((math.log(a / b) + math.log(d / c)) / 2)
    return median(found)


def resolution(counter: Counter = time.perf_counter, readings: int = 1000) -> float:
    """The smallest step that the counter was seen to make, s; infinite if it stood still."""
    seen = [counter() for _ in range(readings)]
    return min((b - a for a, b in pairwise(seen) if b > a), default=math.inf)


def kept(seconds: Sequence[float]) -> list[float]:
    """What is stored of a block, to the ns: all of its steps, or of thousands evenly chosen ones."""
    every = max(1, math.ceil(len(seconds) / STORED))
    return [round(step, 9) for step in seconds[::every]]
