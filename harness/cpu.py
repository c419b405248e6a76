"""The processor as Linux describes it in /proc and /sys. A leaf; what is not told is None.

`root` is where those trees are; a test plants its own. macOS has neither: there only the counts are known.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.cgroup import text

ROOT = Path("/")
CPUS = "sys/devices/system/cpu"

#: Instructions that decide how fast, or whether at all, a CPU does matrix arithmetic of each type.
FLAGS = re.compile(
    r"fma|f16c|avx2|avx512\w*|avx_vnni\w*|avx_ne_convert|amx_\w+|asimd\w*|fphp|i8mm|bf16|sve\w*|sme|sme2\w*"
)
#: Words of a model name that say nothing.
NOISE = re.compile(r"\((r|tm)\)|\b(cpu|processor|\d+-core|\d+th gen|with radeon.*)\b|@.*", re.IGNORECASE)


def allowed() -> list[int]:
    """The CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def described(root: Path = ROOT, cpus: Iterable[int] | None = None) -> dict[str, Any]:
    """Model, instructions, counts, governor and turbo of the CPUs that we may use."""
    mine = list(allowed() if cpus is None else cpus)
    info = _info(root)
    flags = (info.get("flags") or info.get("Features") or "").split()
    physical = len(set(_siblings(root, mine))) or None
    return {
        "model": _model(info),
        "flags": sorted(flag for flag in flags if FLAGS.fullmatch(flag)),
        "cores": len(mine),
        "physical": physical,
        "threads_per_core": max((_count(each) for each in _siblings(root, mine)), default=None),
        "governor": governor(root, mine),
        "turbo": turbo(root),
        "virtual": "hypervisor" in flags,
    }


def _info(root: Path) -> dict[str, str]:
    """The first processor of /proc/cpuinfo."""
    block = text(root / "proc/cpuinfo").split("\n\n")[0]
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _model(info: dict[str, str]) -> str:
    if "model name" in info:
        return info["model name"]
    if "CPU part" in info:  # Arm kernels give numbers only.
        return f"{platform.machine()} {info.get('CPU implementer', '')} {info['CPU part']}"
    return platform.processor() or platform.machine() or "unknown"


def _siblings(root: Path, cpus: Iterable[int]) -> Iterator[str]:
    """For each CPU the list of those on its core, such as ``0,4`` or ``0-1``."""
    found = (text(root / CPUS / f"cpu{cpu}" / "topology/thread_siblings_list") for cpu in cpus)
    return (each for each in found if each)


def _count(cpus: str) -> int:
    """How many CPUs a list such as ``0-1,8`` names."""
    ranges = (part.partition("-") for part in cpus.split(","))
    return sum(int(last or first) - int(first) + 1 for first, _, last in ranges)


def governor(root: Path, cpus: Iterable[int]) -> str | None:
    """How the kernel chooses the clock, of the first CPU that says so."""
    found = (text(root / CPUS / f"cpu{cpu}" / "cpufreq/scaling_governor") for cpu in cpus)
    return next(filter(None, found), None)


def turbo(root: Path = ROOT) -> bool | None:
    """Whether the clock may go above its base, and so depends on heat and on the other cores."""
    off, boost = text(root / CPUS / "intel_pstate/no_turbo"), text(root / CPUS / "cpufreq/boost")
    if off:
        return off == "0"
    return boost == "1" if boost else None


def clock_mhz(root: Path, cpus: Iterable[int]) -> float | None:
    """The mean clock now of some of our CPUs. Not of all: on large machines the kernel takes long to tell."""
    mine = list(cpus)
    scaled = (text(root / CPUS / f"cpu{cpu}" / "cpufreq/scaling_cur_freq") for cpu in mine[:4])
    found = [int(each) / 1e3 for each in scaled if each.isdigit()]
    if not found and len(mine) <= 16:
        told = re.findall(r"(?m)^cpu MHz\s*:\s*([\d.]+)", text(root / "proc/cpuinfo"))
        found = [float(mhz) for mhz in told]
    return sum(found) / len(found) if found else None


def short(model: str) -> str:
    """A model's name as part of a folder's: ``Intel(R) Xeon(R) 8375C CPU @ 2.9GHz`` is intel-xeon-8375c."""
    words = NOISE.sub(" ", model.lower())
    return re.sub(r"[^a-z0-9.]+", "-", words).strip("-.") or "cpu"
