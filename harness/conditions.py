"""What the machine did besides ours while something was measured: two readings, under a millisecond each.

A leaf. Linux tells it in /proc and /sys; what is not told is None.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness import cpu
from harness.cgroup import Cgroup, numbers, text
from harness.nvidia import Gpus

#: The columns of /proc/stat that are work: user, nice, system, irq, softirq. Guests are in user already.
BUSY = (0, 1, 2, 5, 6)
STEAL = 7
#: Load of others from which on the machine is not ours alone: a fifth of a core.
OTHERS = 0.2
THERMAL = f"{cpu.CPUS}/cpu0/thermal_throttle/package_throttle_total_time_ms"


@dataclass(frozen=True)
class Sample:
    """Sums since the machine or the process began, in seconds and bytes."""

    at: float
    busy: float | None
    """CPU seconds of everyone, on the CPUs that we may use."""
    ours: float
    """CPU seconds of this process and of all that it started."""
    steal: float | None
    """CPU seconds that the host of a virtual machine gave to others."""
    throttled: float = 0.0
    """Seconds for which our control group waited for its quota."""
    thermal: float = 0.0
    """Seconds for which the CPU was slowed down because of its heat."""
    swapped: int = 0
    clock_mhz: float | None = None
    gpus: list[dict[str, Any]] = field(default_factory=list)
    runner: float = 0.0
    """CPU seconds of this process alone, which should do nothing while a worker is timed."""


class Conditions:
    """Between `start` and `stop`: load of others, theft, throttling, swapping, the clocks at both ends."""

    def __init__(self, take: Callable[[], Sample] | None = None) -> None:
        self._take = take or partial(sample, gpus=Gpus())
        self._before: Sample | None = None

    def start(self) -> None:
        self._before = self._take()

    def stop(self) -> dict[str, Any]:
        assert self._before is not None, "stop without start"
        return between(self._before, self._take())


def between(before: Sample, after: Sample) -> dict[str, Any]:
    """What happened from one sample to the other. Loads are shares of one core: 1.0 keeps one core busy.

    A process that is killed while its own children run takes their time with it, which then counts as load of
    others. So does what the kernel does on interrupts.
    """
    seconds = max(after.at - before.at, 1e-9)
    return {
        "seconds": seconds,
        "load_of_others": _others(before, after, seconds),
        "steal": _rate(before.steal, after.steal, seconds),
        "runner": (after.runner - before.runner) / seconds,
        "throttled": max(0.0, after.throttled - before.throttled),
        "thermal": max(0.0, after.thermal - before.thermal),
        "swapped": max(0, after.swapped - before.swapped),
        "clock_mhz": [before.clock_mhz, after.clock_mhz],
        "gpus": [{"before": a, "after": b} for a, b in zip(before.gpus, after.gpus, strict=False)],
    }


def alone(launches: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last of these stored launches had the machine to itself, as far as is known.

    To others beside us, or to other virtual machines of the host: in either case a CPU is not there for us.
    """
    last = [one["conditions"] for one in launches[-1:]]
    return all((one.get("load_of_others") or 0.0) + (one.get("steal") or 0.0) < OTHERS for one in last)


def _others(before: Sample, after: Sample, seconds: float) -> float | None:
    everyone = _rate(before.busy, after.busy, seconds)
    return None if everyone is None else max(0.0, everyone - (after.ours - before.ours) / seconds)


def _rate(before: float | None, after: float | None, seconds: float) -> float | None:
    return None if before is None or after is None else max(0.0, after - before) / seconds


def sample(root: Path = cpu.ROOT, cgroup: Cgroup | None = None, gpus: Gpus | None = None) -> Sample:
    cpus = cpu.allowed()
    busy, steal = _cpu_seconds(root, cpus)
    swap = numbers(root / "proc/vmstat")
    pages = swap.get("pswpin", 0) + swap.get("pswpout", 0)
    thermal = text(root / THERMAL)
    return Sample(
        at=time.monotonic(),
        busy=busy,
        ours=sum(_seconds(root, pid) for pid in tree(os.getpid(), root)),
        steal=steal,
        throttled=(cgroup or Cgroup()).throttled(),
        thermal=int(thermal) / 1e3 if thermal.isdigit() else 0.0,
        swapped=pages * os.sysconf("SC_PAGE_SIZE"),
        clock_mhz=cpu.clock_mhz(root, cpus),
        gpus=gpus.now() if gpus else [],
        runner=time.process_time(),
    )


def _cpu_seconds(root: Path, cpus: list[int]) -> tuple[float | None, float | None]:
    """Busy and stolen seconds of these CPUs together."""
    rows = (line.split() for line in text(root / "proc/stat").splitlines() if line.startswith("cpu"))
    counts = {row[0]: [int(ticks) for ticks in row[1:]] for row in rows}
    mine = [counts[name] for name in (f"cpu{number}" for number in cpus) if name in counts]
    if not mine:
        return None, None
    ticks = os.sysconf("SC_CLK_TCK")
    busy = sum(row[column] for row in mine for column in BUSY) / ticks
    return busy, sum(row[STEAL] for row in mine if len(row) > STEAL) / ticks


def tree(pid: int, root: Path = cpu.ROOT) -> Iterator[int]:
    """This process and all that descend from it and are alive."""
    yield pid
    for children in (root / f"proc/{pid}/task").glob("*/children"):
        for child in text(children).split():
            yield from tree(int(child), root)


def _seconds(root: Path, pid: int) -> float:
    """CPU seconds of a process and of those it has started and seen end; 0 if it has just gone."""
    stat = text(root / f"proc/{pid}/stat")
    columns = stat.rpartition(")")[2].split()  # The name before it may hold spaces and brackets.
    return sum(int(ticks) for ticks in columns[11:15]) / os.sysconf("SC_CLK_TCK")
