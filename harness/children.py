"""Memory of the processes that a job starts, such as a DataLoader's workers, at their highest together.

Of each counts what it has to itself, its unique set size: that is what one more of them costs, for a forked
child shares most of its parent's pages. It is read over and over, and the system's own high-water mark of the
process tells what came and went between two readings. Linux has that mark; elsewhere it is left out. What
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


class Seen(NamedTuple):
    """The most that was read of one process."""

    own: int
    shared: int
    highest: int

    @property
    def peak(self) -> int:
        """What it has been seen to have, or what is in the high-water mark besides what it shares."""
        return max(self.own, self.highest - self.shared)


class Highest:
    """What readings of all processes come to."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: dict[int, Seen] = {}

    def add(self, alive: Mapping[int, Reading]) -> None:
        """`alive` by process id. A high-water mark that falls is another program's, begun by `exec`."""
        for pid, one in alive.items():
            now = Seen(one.own, max(0, one.resident - one.own), one.highest)
            before = self._seen.get(pid, now)
            same = now.highest >= before.highest
            self._seen[pid] = Seen(*map(max, before, now)) if same else now
        self.bytes = max(self.bytes, sum(self._seen[pid].peak for pid in alive))


def readings() -> dict[int, Reading]:
    """Of all processes that this one started, and those that they did."""
    import psutil  # type: ignore[import-untyped]

    own, found = psutil.Process(), {}
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            one = _linux(child.pid) or _elsewhere(child)
            if not _is_ours(one, own.memory_info().rss):
                found[child.pid] = one
    return found


def _linux(pid: int) -> Reading | None:
    """Own and resident from one look, for what is freed between two would count as shared."""
    found = numbers(Path(f"/proc/{pid}/smaps_rollup"))
    if "Rss" not in found:
        return None
    own = found.get("Private_Clean", 0) + found.get("Private_Dirty", 0)
    return Reading(
        1024 * own, 1024 * found["Rss"], 1024 * numbers(Path(f"/proc/{pid}/status")).get("VmHWM", 0)
    )


def _elsewhere(child: Any) -> Reading:
    memory = child.memory_full_info()
    return Reading(memory.uss, memory.rss)


def _is_ours(child: Reading, ours: int) -> bool:
    """Between ``vfork`` and ``exec`` a child has no memory of its own: it runs in its parent's.

    About as much is resident then as `ours`, a moment later, and hardly any shared, as after ``fork`` nearly
    all would be.
    """
    return abs(child.resident - ours) < 0.05 * ours and child.own > 0.5 * child.resident


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
