"""The machine as it is now, as far as it decides whether numbers measured on it are good. Torch-free.

Gathered in one place, so that what `doctor` says of it can be tested on machines that are made up.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import clock, cpu, limits, machine, needs, technique
from harness.cgroup import Cgroup, numbers
from harness.conditions import Conditions
from harness.nvidia import Gpus

if TYPE_CHECKING:
    from packaging.markers import Marker

#: Seconds for which the load of others is watched.
WATCH = 0.5
#: Extras of the project that its users do not need.
FOR_DEVELOPERS = {"all", "tests", "lint"}
#: Those that serve nothing but CUDA.
FOR_CUDA = {"gpu", "flash", "liger"}


@dataclass(frozen=True, kw_only=True)
class Observed:
    cpu: Mapping[str, Any]
    """As cpu.described has it."""
    conditions: Mapping[str, Any]
    """As conditions.between has it, while nothing of ours ran."""
    quota: float | None
    """CPUs that our control group may use."""
    memory_total: int
    memory_limit: int | None
    memory_available: int
    swap_used: int
    disk_free: int
    """Where results go. All sizes in bytes."""
    environment: Mapping[str, str]
    compiler: str | None
    """The C++ compiler that torch.compile would call."""
    other_compiler: str | None
    """One that it could call if it were told."""
    headers: bool
    """Whether Python's C headers are there, which compiled kernels include."""
    torch: str | None
    """Its version."""
    missing: Mapping[str, list[str]]
    """Requirements that are not met, as needs.missing says it, with what is unsupported without."""
    gpus: list[dict[str, Any]] = field(default_factory=list)
    gpus_now: list[dict[str, Any]] = field(default_factory=list)
    gpu_processes: list[list[int]] = field(default_factory=list)
    """Of each GPU the processes that are not ours."""
    gpus_told: bool = False
    """Whether nvidia-ml-py answers."""
    clock_overhead: float
    """Share of a step of 1 ms."""
    clock_resolution: float
    """Seconds."""


def observe(
    root: Path = cpu.ROOT, sleep: Callable[[float], None] = time.sleep, results: str = "."
) -> Observed:
    """Takes WATCH seconds."""
    group, gpus, memory = Cgroup(), Gpus(), numbers(root / "proc/meminfo")
    there = gpus.described()
    watched = Conditions()
    watched.start()
    sleep(WATCH)
    return Observed(
        cpu=cpu.described(root),
        conditions=watched.stop(),
        quota=group.cpus(),
        memory_total=machine.memory(root)["total"],
        memory_limit=group.memory_limit(),
        memory_available=limits.available_memory(group, root / "proc/meminfo"),
        swap_used=1024 * (memory.get("SwapTotal", 0) - memory.get("SwapFree", 0)),
        disk_free=shutil.disk_usage(results).free,
        environment=machine.environment(),
        compiler=shutil.which(os.environ.get("CXX", "g++")),
        other_compiler=shutil.which("clang++"),
        headers=(Path(sysconfig.get_path("include")) / "Python.h").is_file(),
        torch=machine.libraries().get("torch"),
        missing=missing(wanted(technique.techniques().values(), cuda=bool(there))),
        gpus=there,
        gpus_now=gpus.now(),
        gpu_processes=[[pid for pid in pids if pid != os.getpid()] for pids in gpus.processes()],
        gpus_told=gpus.told,
        clock_overhead=clock.overhead(),
        clock_resolution=clock.resolution(),
    )


def wanted(techniques: Iterable[technique.Technique], cuda: bool) -> dict[str, list[str]]:
    """Every optional requirement, with what needs it: variants of techniques, extras of the project.

    Without CUDA what serves only CUDA is left out: installing it would mend nothing here.
    """
    found: dict[str, list[str]] = {}
    for one in techniques:
        for name, variant in one.variants.items():
            if cuda or "cuda" not in variant.needs:
                for need in variant.needs:
                    found.setdefault(need, []).append(f"{one.name}:{name}")
    for extra, need in _extras():
        if cuda or extra not in FOR_CUDA:
            found.setdefault(need, []).append(f"extra {extra}")
    found.pop("cuda", None)
    return found


def _extras() -> Iterator[tuple[str, str]]:
    """(extra, requirement) of this project as it is installed; nothing if it is not."""
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        told = metadata.metadata("claimbench")
    except metadata.PackageNotFoundError:
        return
    for extra in told.get_all("Provides-Extra") or ():
        for line in told.get_all("Requires-Dist") or ():
            need = Requirement(line)
            if extra not in FOR_DEVELOPERS and need.marker and _only_with(extra, need.marker):
                yield extra, f"{need.name}{need.specifier}"


def _only_with(extra: str, marker: Marker) -> bool:
    return marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def missing(wanted: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Those of the requirements that are not met, by what is lacking, once for each package."""
    lacking = ((needs.missing((need,), "cpu"), who) for need, who in wanted.items())
    found: dict[str, list[str]] = {}
    for says, who in lacking:
        if says:
            found.setdefault(says, []).extend(who)
    return found
