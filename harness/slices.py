"""Long visits that take turns within: one process runs for a slice while the others are stopped.

Steps of seconds that take turns as a whole each meet another minute of the machine. Beside a busy core, the
log ratio of two steps of 4 s varied by 3 to 5 % (standard deviation) when each had run twice in turn, ABBA;
when each had run once, by 1.8 % in slices of 100 ms, by 1.0 % of 30 ms and 0.7 % of 10 ms. Of two of 12 s it
varied by 0.4 % in slices of 10 ms.

Time for which a process is stopped is not counted. That is right only for steps that compute: what sleeps or
waits for a device goes on while its process is stopped, so such steps take turns as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from harness import record
from harness.errors import WorkerFailed
from harness.record import Json


class Stoppable(Protocol):
    """A worker that can be stopped in the middle of a step."""

    def begin(self, command: str, **arguments: object) -> None: ...

    def ready(self, seconds: float) -> bool: ...

    def answer(self, limit: float, command: str) -> Json: ...

    def stop(self) -> None: ...

    def go_on(self) -> None: ...

    def kill(self) -> None: ...


class _Visit:
    """The steps of one worker, so far."""

    def __init__(self, worker: Stoppable, steps: int, now: Callable[[], float]) -> None:
        self.worker = worker
        self._steps = steps
        self.found: float | WorkerFailed | None = None
        self.stopped = False
        self._now = now
        self._begun = False
        self._spent = 0.0

    def run(self, seconds: float, limit: float) -> None:
        """For a slice, or until it ends; it is killed when it has had `limit` seconds."""
        begin = self._now()
        try:
            self._resume()
            if self.worker.ready(min(seconds, limit - self._spent)):
                self._spent += self._now() - begin
                self.worker.answer(limit, "block")
                self.found = self._spent
                return
            self.stopped = True
            self.worker.stop()
            self._spent += self._now() - begin
            if self._spent >= limit:
                self.worker.kill()
                raise WorkerFailed(record.TIMEOUT, f"block took over {limit:.0f} s")
        except WorkerFailed as failed:
            self.found = failed

    def _resume(self) -> None:
        if self._begun:
            self.worker.go_on()
            self.stopped = False
        else:
            self._begun = True
            self.worker.begin("block", steps=self._steps)


def visits(
    workers: Sequence[tuple[Stoppable, int]],
    slice: float,
    limit: float,
    now: Callable[[], float] = time.perf_counter,
) -> list[float | WorkerFailed]:
    """Seconds of so many steps of each worker, or how it failed; the turns of `slice` seconds are ABBA.

    The last that is left runs on to its end. Whatever happens, none is left stopped.
    """
    every = [_Visit(worker, steps, now) for worker, steps in workers]
    turn = list(every)
    try:
        while turn:
            for one in turn:
                one.run(slice if len(turn) > 1 else limit, limit)
            turn = [one for one in reversed(turn) if one.found is None]
    finally:
        for one in every:
            if one.stopped:
                one.worker.go_on()
    return [one.found for one in every if one.found is not None]
