"""Memory of the processes that a job starts, such as a DataLoader's workers, at their highest together.

Of each counts what it has to itself, its unique set size: that is what one more of them costs, for a forked
child shares most of its parent's pages. It is read over and over, and the system's own high-water mark of the
process adds what came and went between two readings. Linux tells that mark; elsewhere it is not added. What
lives less long than a reading takes, some 3 ms, is not seen. A leaf.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.cgroup import numbers

#: Seconds between two readings.
EVERY = 0.001


class Reading(NamedTuple):
    """One process at one moment, in bytes."""

    own: int
    """What it shares with no other."""
    resident: int
    highest: int = 0
    """The highest that `resident` ever was; 0 if the system does not tell."""

    @property
    def peak(self) -> int:
        return self.own + max(0, self.highest - self.resident)


class Highest:
    """What readings of all processes come to."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: dict[int, Reading] = {}

    def add(self, alive: Mapping[int, Reading]) -> None:
        """`alive` by process id. A high-water mark that falls is another program's, begun by `exec`."""
        for pid, now in alive.items():
            before = self._seen.get(pid, now)
            same = now.highest >= before.highest
            self._seen[pid] = Reading(*map(max, before, now)) if same else now
        self.bytes = max(self.bytes, sum(self._seen[pid].peak for pid in alive))


def readings() -> dict[int, Reading]:
    """Of all processes that this one started, and those that they did."""
    import psutil

    own, found = psutil.Process(), {}
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            before, memory, after = own.memory_info(), child.memory_full_info(), own.memory_info()
            if not _is_ours(memory, before) and not _is_ours(memory, after):
                high = numbers(Path(f"/proc/{child.pid}/status")).get("VmHWM", 0)
                found[child.pid] = Reading(memory.uss, memory.rss, high * 1024)
    return found


def _is_ours(memory: Any, ours: Any) -> bool:
    """Between ``vfork`` and ``exec`` a child has no memory: it runs in its parent's."""
    return (memory.vms, memory.rss) == (ours.vms, ours.rss)


@contextlib.contextmanager
def watched(read: Callable[[], Mapping[int, Reading]] = readings) -> Iterator[Highest]:
    """Reads in a thread until the block ends. Not while timing: it takes a core."""
    found, ends = Highest(), threading.Event()

    def watch() -> None:
        while not ends.wait(EVERY):
            found.add(read())

    found.add(read())  # What it imports is not imported in the thread.
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ends.set()
        thread.join()
