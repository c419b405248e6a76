"""Where a step's time goes: data, forward, backward, optimizer. Not while timing: each mark synchronizes.

A job says in ``parts`` which of its methods are which part. They are marked for a few steps and then left as
they were. Time inside a marked method that another marked one spends is the other's, so the parts add up to
the step; what no part claims is ``other``. On CUDA a mark synchronizes, which takes away what otherwise
overlaps: these are shares of a step that waits, and the step's own time is that of the timing launches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from harness.clock import Clock
from harness.workload import Job

#: Steps are watched until they took this long together, s, and no more than so many.
PATIENCE, MOST = 0.25, 10
PREFIX = "part:"
OTHER, OPTIMIZER = "other", "optimizer"


class Stopwatch:
    """Gives every moment to one part: the one entered last and not yet left."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._part = OTHER
        self._since = now()
        self.seconds: dict[str, float] = {}

    def enter(self, part: str) -> str:
        """From now on time is `part`'s; whose it was before."""
        now, before = self._now(), self._part
        self.seconds[before] = self.seconds.get(before, 0.0) + now - self._since
        self._part, self._since = part, now
        return before

    def marked(self, method: Callable[..., Any], part: str) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            before = self.enter(part)
            try:
                return method(*given, **named)
            finally:
                self.enter(before)

        return timed


class Source:
    """What gives a job its batches, with the wait for each marked."""

    def __init__(self, source: Any, watch: Stopwatch, part: str) -> None:
        self._source, self._watch, self._part = source, watch, part

    def __iter__(self) -> Iterator[Any]:
        batches = self._watch.marked(lambda: iter(self._source), self._part)()
        following = self._watch.marked(lambda: next(batches, self), self._part)
        while (batch := following()) is not self:
            yield batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def measure(job: Job, timer: Clock) -> dict[str, float]:
    """``part:NAME``: seconds of a step, the median over a few; empty for a job that tells no parts apart."""
    if not getattr(job, "parts", None):
        return {}
    steps: list[dict[str, float]] = []
    while len(steps) < MOST and sum(sum(one.values()) for one in steps) < PATIENCE:
        steps.append(_step(job, timer))
    names = dict.fromkeys(name for one in steps for name in one)
    return {f"{PREFIX}{name}": median(one.get(name, 0.0) for one in steps) for name in names}


def _step(job: Any, timer: Clock) -> dict[str, float]:
    watch = Stopwatch(timer.now)
    with ExitStack() as undo:
        for name, part in job.parts.items():
            undo.enter_context(_replaced(job, name, _marked(getattr(job, name, None), watch, part)))
        optimizer = getattr(job, "optimizer", None)
        for name in ("step", "zero_grad") if optimizer is not None else ():
            method = watch.marked(getattr(optimizer, name), OPTIMIZER)
            undo.enter_context(_replaced(optimizer, name, method))
        watch.enter(OTHER)
        watch.seconds.clear()
        job.step()
        watch.enter(OTHER)
    return watch.seconds


def _marked(what: Any, watch: Stopwatch, part: str) -> Any:
    """None stays so: an inferring job has no update."""
    if what is None or callable(what):
        return what and watch.marked(what, part)
    return Source(what, watch, part)


@contextmanager
def _replaced(thing: Any, name: str, value: Any) -> Iterator[None]:
    """The attribute of that one object, for a while."""
    if value is None:
        yield
        return
    own = vars(thing)
    had, before = name in own, own.get(name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        if had:
            setattr(thing, name, before)
        else:
            delattr(thing, name)
