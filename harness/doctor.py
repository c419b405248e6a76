"""What on this machine makes numbers bad, and what to do about each. Returns data; the terminal shows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness import nvidia, units
from harness.observed import Observed, observe

GB = 10**9
#: From here on the load of others widens intervals, in cores.
LOAD = 0.1
STEAL = 0.02
#: The most that the clock may cost, as a share of a step of 1 ms, and the coarsest that it may be, s.
OVERHEAD, RESOLUTION = 1e-3, 1e-6


@dataclass(frozen=True)
class Finding:
    check: str
    ok: bool | None
    """None if it cannot be told here."""
    says: str
    do: str = ""
    """How to mend it; empty if it is well."""


Check = Callable[[Observed], Iterator[Finding]]


def examine(seen: Observed | None = None) -> list[Finding]:
    """Every finding, in the order of CHECKS. Takes half a second to watch the load."""
    seen = seen or observe()
    return [finding for check in CHECKS for finding in check(seen)]


def load(seen: Observed) -> Iterator[Finding]:
    others = seen.conditions["load_of_others"]
    if others is None:
        yield Finding(
            "load of others", None, "the system does not say", "look at a task manager while measuring"
        )
        return
    says = f"other processes keep {others:.1f} of {seen.cpu['cores']} cores busy"
    do = "stop them while measuring: a steady load cancels in ABBA rounds, but bursts widen every interval"
    yield Finding("load of others", others <= LOAD, says, "" if others <= LOAD else do)


def steal(seen: Observed) -> Iterator[Finding]:
    stolen = seen.conditions["steal"]
    if stolen is None:
        return
    says = f"the host of this virtual machine takes {stolen:.0%} of a core"
    do = "measure at another time, or on a machine with CPUs of its own"
    yield Finding("CPU steal", stolen <= STEAL, says, "" if stolen <= STEAL else do)


def governor(seen: Observed) -> Iterator[Finding]:
    name = seen.cpu["governor"]
    if name is None:
        where = "as usual in a virtual machine" if seen.cpu["virtual"] else "no cpufreq here"
        yield Finding("CPU governor", None, f"not told, {where}")
        return
    do = "sudo cpupower frequency-set --governor performance"
    yield Finding("CPU governor", name == "performance", name, "" if name == "performance" else do)


def turbo(seen: Observed) -> Iterator[Finding]:
    on = seen.cpu["turbo"]
    if on is None:
        yield Finding("turbo", None, "not told")
        return
    do = (
        "for steadier times switch it off: echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo;"
        " on AMD: echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"
    )
    says = "on: the clock depends on heat and on the other cores" if on else "off"
    yield Finding("turbo", not on, says, do if on else "")


def heat(seen: Observed) -> Iterator[Finding]:
    seconds = seen.conditions["thermal"]
    if seconds:
        says = f"the CPU was slowed down by heat for {seconds:.2f} s just now"
        yield Finding("heat", False, says, "let it cool, mend its cooling, or switch turbo off")


def quota(seen: Observed) -> Iterator[Finding]:
    cpus, cores = seen.quota, seen.cpu["cores"]
    if cpus is None or cpus >= cores:
        yield Finding("CPU limit", True, f"none below the {cores} cores")
        return
    says = f"the control group may use {cpus:g} of {cores} cores; threads beyond that are stopped in turn"
    do = f"give the container whole CPUs (--cpuset-cpus), or export OMP_NUM_THREADS={_threads(seen)}"
    yield Finding("CPU limit", False, says, do)


def threads(seen: Observed) -> Iterator[Finding]:
    given, best = _given_threads(seen), _threads(seen)
    if given is None:
        yield Finding("threads", True, "OMP_NUM_THREADS is not set: torch starts one for each core")
    elif given == best:
        yield Finding("threads", True, f"{given}, one for each core")
    elif given > best:
        says = f"{given} threads on {best} cores wait for each other"
        yield Finding("threads", False, says, f"export OMP_NUM_THREADS={best}")
    else:
        yield Finding(
            "threads", False, f"{given} of {best} cores used", "unset OMP_NUM_THREADS, unless it is meant so"
        )


def siblings(seen: Observed) -> Iterator[Finding]:
    count = seen.cpu["threads_per_core"]
    if count is None:
        yield Finding("hyper-threading", None, "not told")
    elif count == 1:
        yield Finding("hyper-threading", True, "off: every CPU is a core")
    else:
        given, cores = _given_threads(seen), seen.cpu["physical"]
        shared = given is not None and given > cores
        says = f"{count} CPUs share a core" + (
            f", and {given} threads run on {cores} cores" if shared else ""
        )
        yield Finding(
            "hyper-threading", not shared, says, f"export OMP_NUM_THREADS={cores}" if shared else ""
        )


def _given_threads(seen: Observed) -> int | None:
    """What the environment asks for; its first level, if it names several."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        first = seen.environment.get(name, "").split(",")[0].strip()
        if first.isdigit() and int(first) > 0:
            return int(first)
    return None


def _threads(seen: Observed) -> int:
    """As many as there are cores for, sharing none and within the quota."""
    cores: int = seen.cpu["physical"] or seen.cpu["cores"]
    return max(1, math.floor(min(cores, seen.quota or math.inf)))


def memory(seen: Observed) -> Iterator[Finding]:
    free, limit = seen.memory_available, seen.memory_limit
    whole = f"of {units.size(seen.memory_total)}"
    if limit is not None:
        whole += f", with the control group's limit at {units.size(limit)}"
    do = "close programs or raise the limit: cases that need more are stored as out-of-memory"
    yield Finding("memory", free >= 2 * GB, f"{units.size(free)} free {whole}", "" if free >= 2 * GB else do)


def swap(seen: Observed) -> Iterator[Finding]:
    moved = seen.conditions["swapped"]
    says = f"{units.size(seen.swap_used)} in use" + (f", {units.size(moved)} moved just now" if moved else "")
    good = seen.swap_used < 0.1 * GB and not moved
    yield Finding(
        "swap", good, says, "" if good else "close programs, then sudo swapoff -a && sudo swapon -a"
    )


def disk(seen: Observed) -> Iterator[Finding]:
    good = seen.disk_free >= GB
    do = "" if good else "free some, or give --out a folder on another disk"
    yield Finding("disk", good, f"{units.size(seen.disk_free)} free where results go", do)


def clock(seen: Observed) -> Iterator[Finding]:
    good = seen.clock_overhead < OVERHEAD and seen.clock_resolution < RESOLUTION
    says = f"ticks of {seen.clock_resolution * 1e9:.0f} ns, costs {seen.clock_overhead:.3%} of a step of 1 ms"
    do = "see /sys/devices/system/clocksource/clocksource0/current_clocksource: tsc is the quick one"
    yield Finding("clock", good, says, "" if good else do)


def compiler(seen: Observed) -> Iterator[Finding]:
    if seen.compiler is None:
        do = "export CXX=clang++" if seen.other_compiler else "install one, such as g++ (apt install g++)"
        yield Finding("C++ compiler", False, "none, so torch.compile cannot compile for the CPU", do)
    elif not seen.headers:
        do = "install Python's headers, such as apt install python3-dev"
        yield Finding("C++ compiler", False, "Python.h is missing, which compiled kernels include", do)
    else:
        yield Finding("C++ compiler", True, seen.compiler.rpartition("/")[2])


def packages(seen: Observed) -> Iterator[Finding]:
    if seen.torch is None:
        yield Finding("package torch", False, "not installed: nothing can be measured", "pip install torch")
    for lacking, who in seen.missing.items():
        says, _, do = lacking.rpartition(": ")
        name = says.removeprefix("needs ").split(",")[0]
        shown = ", ".join(who[:3]) + (f" and {len(who) - 3} more" if len(who) > 3 else "")
        yield Finding(f"package {name}", False, f"{says}; unsupported without: {shown}", do)
    if not seen.missing:
        yield Finding("optional packages", True, "all there")


def gpu(seen: Observed) -> Iterator[Finding]:
    if not seen.gpus:
        return
    if (seen.torch or "").endswith("+cpu"):
        do = "pip install --force-reinstall torch, whose usual build on Linux has CUDA"
        yield Finding("GPU", False, f"torch {seen.torch} cannot use the {seen.gpus[0]['name']}", do)
    if not seen.gpus_told:
        yield Finding("GPU", None, "clocks and other processes are not told", f"pip install '{nvidia.NEEDS}'")
        return
    for index, (one, now) in enumerate(zip(seen.gpus, seen.gpus_now, strict=False)):
        yield from _clocks(f"GPU {index}", one, now)
    for index, pids in enumerate(seen.gpu_processes):
        says = f"{len(pids)} other processes use it" if pids else "nobody else uses it"
        do = f"end them while measuring: {', '.join(map(str, pids[:5]))}" if pids else ""
        yield Finding(f"GPU {index} use", not pids, says, do)


def _clocks(name: str, one: dict[str, object], now: dict[str, object]) -> Iterator[Finding]:
    slowed = now["slowed"]
    assert isinstance(slowed, list)
    says = (
        f"{one['name']}, now {now['sm_clock']} of {one['max_sm_clock']} MHz at {now['temperature']} degrees"
    )
    if slowed:
        do = "let it cool or raise its power limit: sudo nvidia-smi --power-limit WATTS"
        yield Finding(name, False, f"{says}, slowed down by: {', '.join(slowed)}", do)
    else:
        yield Finding(name, True, says)


CHECKS: tuple[Check, ...] = (
    *(load, steal, governor, turbo, heat, quota, threads, siblings),
    *(memory, swap, disk, clock, compiler, packages, gpu),
)
