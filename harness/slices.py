"""Long steps that take turns within a step: one process runs for a slice while the others are stopped.

Steps of seconds that take turns as a whole each meet another minute of the machine. Beside a busy core, the
log ratio of two steps of 4 s varied by 3 to 5 % (standard deviation) when each had run twice in turn, ABBA;
when each had run once, by 1.8 % in slices of 100 ms, by 1.0 % of 30 ms and 0.7 % of 10 ms. Of two of 12 s it
varied by 0.4 % in slices of 10 ms, and that is their end: the longer one's last twentieth ran alone.

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


class _Step:
    """One step of one worker, so far."""

    def __init__(self, worker: Stoppable, now: Callable[[], float]) -> None:
        self.worker = worker
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
            self.worker.stop()
            self.stopped = True
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
            self.worker.begin("block", steps=1)


def steps(
    workers: Sequence[Stoppable],
    slice: float,
    limit: float,
    now: Callable[[], float] = time.perf_counter,
) -> list[float | WorkerFailed]:
    """Seconds of one step of each worker, or how it failed; the turns of `slice` seconds are ABBA.

    The last that is left runs on to its end. Whatever happens, none is left stopped.
    """
    begun = [_Step(worker, now) for worker in workers]
    try:
        while left := [one for one in begun if one.found is None]:
            for one in left:
                one.run(slice if len(left) > 1 else limit, limit)
            begun.reverse()
    finally:
        for one in begun:
            if one.stopped:
                one.worker.go_on()
    by_worker = {id(one.worker): one.found for one in begun}
    return [found for worker in workers if (found := by_worker[id(worker)]) is not None]
