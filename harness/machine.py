"""The machine's fingerprint: what it is and what runs on it, as far as that changes a measurement.

Torch-free. Results are published, so it holds no name of the host or of a user, and paths in the environment
are cut.
"""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import cpu
from harness.cgroup import Cgroup, numbers, text
from harness.conditions import Conditions as Conditions
from harness.nvidia import Gpus

#: Libraries whose version changes what is measured.
LIBRARIES = """
torch triton transformers tokenizers safetensors accelerate numpy scipy pillow peft torchao bitsandbytes
optimum flash-attn xformers onnxruntime deepspeed vllm torchvision datasets scikit-learn diskcache ray asv
pytest-benchmark nvidia-cudnn-cu12 nvidia-cudnn-cu13
"""
#: Variables that change how fast the same code runs.
VARIABLES = re.compile(
    r"(OMP|GOMP|KMP|MKL|OPENBLAS|DNNL|ONEDNN|TORCH|PYTORCH|CUDA|CUBLAS|CUDNN|NCCL|MALLOC|TRITON)_?\w*"
    r"|NVIDIA_TF32_OVERRIDE|TOKENIZERS_PARALLELISM|LD_PRELOAD|PYTHONMALLOC|PYTHONHASHSEED"
)
SECRET = re.compile(r"(^|_)(TOKEN|KEY|SECRET|PASSWORD)(_|$)")
#: Differ between runs on one machine without making it another.
OF_THE_SOURCE = ("commit", "dirty")
HERE = Path(__file__).resolve().parent


def fingerprint(
    root: Path = cpu.ROOT, cgroup: Cgroup | None = None, gpus: Gpus | None = None
) -> dict[str, Any]:
    """Everything, as JSON: cpu, memory, gpus, os, python, libraries, environment, version, commit."""
    group = cgroup or Cgroup()
    return {
        "cpu": {**cpu.described(root), "quota": group.cpus()},
        "memory": {**memory(root), "limit": group.memory_limit()},
        "gpus": (gpus or Gpus()).described(),
        "os": _system(root),
        "python": platform.python_version(),
        "libraries": libraries(),
        "environment": environment(),
        "version": _version("claimbench"),
        **source(),
    }


def memory(root: Path = cpu.ROOT) -> dict[str, int]:
    """Bytes of memory and of swap that the machine has."""
    found = numbers(root / "proc/meminfo")
    return {"total": found.get("MemTotal", 0) * 1024 or _pages(), "swap": found.get("SwapTotal", 0) * 1024}


def _pages() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _system(root: Path) -> dict[str, Any]:
    named = re.search(r'^PRETTY_NAME="?([^"\n]+)', text(root / "etc/os-release"), re.MULTILINE)
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "distribution": named[1] if named else None,
        "libc": " ".join(platform.libc_ver()).strip() or None,
    }


def libraries() -> dict[str, str]:
    """Versions of those that are installed, from their metadata: nothing is imported."""
    found = ((name, _version(name)) for name in LIBRARIES.split())
    return {name: version for name, version in found if version}


def _version(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that matter, without what they would tell of the user."""
    names = (name for name in sorted(variables) if VARIABLES.fullmatch(name) and not SECRET.search(name))
    return {name: _without_paths(variables[name]) for name in names}


def _without_paths(value: str) -> str:
    """Of a path its last part if that is a library's name; of any other path outside the system nothing."""
    return re.sub(r"(?<![\w.])~?/[^\s:;,]*", lambda path: _cut(path[0]), value)


def _cut(path: str) -> str:
    if path.startswith(("/usr/", "/opt/", "/lib/", "/lib64/")):
        return path
    name = path.rpartition("/")[2]
    return f".../{name}" if ".so" in name else "..."


def source(folder: Path = HERE) -> dict[str, Any]:
    """The commit of this code and whether tracked files have changed since; None where git does not know."""
    # Installed beside somebody else's repository, the code is in its folder but not its own.
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return {"commit": None, "dirty": None}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", ":/")
    return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def slug(found: Mapping[str, Any]) -> str:
    """The machine's name under results/: ``nvidia-h200``, ``nvidia-l4-x4``, or ``amd-epyc-2c-24g``.

    A machine keeps its name when software, drivers or settings change; these are in the fingerprint. A
    virtual one may say ``AMD EPYC`` of every generation: one without AVX-512 is ``amd-epyc-avx2-2c-24g``.
    """
    gpus = [gpu["name"] for gpu in found.get("gpus", ()) if gpu.get("name")]
    if gpus:
        return cpu.short(gpus[0]) + (f"-x{len(gpus)}" if len(gpus) > 1 else "")
    processor, memory = found["cpu"], found["memory"]
    cores = min(processor["cores"], processor.get("quota") or math.inf)
    size = min(memory["total"], memory.get("limit") or math.inf)
    name = cpu.short(processor["model"]) + _generation(processor)
    return f"{name}-{cores:g}c-{math.ceil(size / 2**30)}g"


def _generation(processor: Mapping[str, Any]) -> str:
    flags = processor.get("flags", ())
    told = any(letter.isdigit() for letter in processor["model"])
    return "-avx2" if "avx2" in flags and "avx512f" not in flags and not told else ""


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What sets two fingerprints apart, a line each: ``cpu.governor: performance against powersave``."""
    first, second = dict(_flat(one)), dict(_flat(other))
    return [
        f"{key}: {_or_unset(first.get(key))} against {_or_unset(second.get(key))}"
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key) and key not in OF_THE_SOURCE
    ]


def unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """`differences`, but for 1 % of memory: a kernel that starts keeps more of it for itself or less."""
    before = one.get("memory", {})
    memory = {key: _about(size, before.get(key)) for key, size in other.get("memory", {}).items()}
    return differences(one, {**other, "memory": memory})


def _about(size: float | None, before: float | None) -> float | None:
    """What it was before, if it is that to 1 %."""
    return before if size and before and math.isclose(size, before, rel_tol=0.01) else size


def begun_elsewhere(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why what was begun with the fingerprint `before` cannot go on `now`, for it would be of two machines.

    Empty if neither machine, software nor commit has changed, or if nothing is known of them.
    """
    told = unlike(before, now) if before else []
    first, second = before.get("commit"), now.get("commit")
    if first and second and first != second:
        told.insert(0, f"commit: {first[:10]} against {second[:10]}")
    return f"was begun elsewhere ({in_short(told)}); go back to that, or begin anew" if told else ""


def in_short(told: Sequence[str]) -> str:
    """The first of some `differences`, and how many more there are."""
    return told[0] + (f", and {len(told) - 1} more" if len(told) > 1 else "")


def _or_unset(value: Any) -> Any:
    return "unset" if value is None else value


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested objects, named ``gpus.0.name``. A list of plain values is a leaf."""
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        pairs = list(enumerate(value))
    else:
        yield prefix, value
        return
    for key, each in pairs:
        yield from _flat(each, f"{prefix}.{key}" if prefix else str(key))
