"""What bounds a worker's memory on the host, so that a case too large for it ends by itself. A leaf."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.cgroup import Cgroup, numbers

MEMINFO = Path("/proc/meminfo")
VMSTAT = Path("/proc/vmstat")
OOM_SCORE = Path("/proc/self/oom_score_adj")


def available_memory(cgroup: Cgroup | None = None, meminfo: Path = MEMINFO) -> int:
    """Bytes that this process could take without swapping, by the machine and by its control group."""
    left = (cgroup or Cgroup()).memory_left()
    return _available(meminfo) if left is None else min(left, _available(meminfo))


def _available(meminfo: Path) -> int:
    found = numbers(meminfo)
    if "MemAvailable" in found:
        return found["MemAvailable"] * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def set_host_limit(size: int) -> None:
    """Bounds the data of this process, imports included, at `size` bytes: more is the allocator's own error.

    Counted is what it has mapped to write into, touched or not: torch and transformers alone are 0.4 GB. Not
    for a process that uses CUDA, which maps far more than it touches. A bound that is already lower stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [size, *(bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))


@contextmanager
def host_bound(size: int, status: Path = Path("/proc/self/status")) -> Iterator[None]:
    """At most `size` bytes of data more than this process has now; its limit is as before on exit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [numbers(status)["VmData"] * 1024 + size]
    bounds += [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def device_bound(size: int) -> Iterator[None]:
    """The same of what torch's allocator may take of the CUDA device."""
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved() + size) / total))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def oom_kills(cgroup: Cgroup | None = None, vmstat: Path = VMSTAT) -> int:
    """Processes killed for memory so far, in our control group, or on the machine if the group does not say.

    One more than before a worker died by SIGKILL tells that the kernel did it, and why.
    """
    found = (cgroup or Cgroup()).oom_kills()
    return numbers(vmstat).get("oom_kill", 0) if found is None else found


def die_first(score: Path = OOM_SCORE) -> None:
    """Asks the kernel to kill this process before any other, if memory runs out: a worker, not the runner."""
    with suppress(OSError):
        score.write_text("1000")
