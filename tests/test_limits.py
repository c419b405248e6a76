"""Bounds of a worker: the real ones in processes of their own, the counts from files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from harness import limits
from harness.cgroup import Cgroup

Write = Callable[[str, str], Path]


def run(code: str) -> str:
    """What the code prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_allocation_past_the_bound_is_the_allocators_own_error() -> None:
    said = run("""
import torch
from harness import failures, limits
limits.set_host_limit(2**30)
torch.ones(2**26)  # 256 MB are within it.
try:
    torch.empty(2**29)
except Exception as error:
    print(failures.failure(error)["outcome"], "/", error)
""")
    assert said.startswith("out-of-memory / ")
    assert "can't allocate memory: you tried to allocate 2147483648 bytes" in said


def test_a_bound_is_only_ever_lowered() -> None:
    said = run("""
import resource
from harness import limits
limits.set_host_limit(2**30)
limits.set_host_limit(2**40)
print(resource.getrlimit(resource.RLIMIT_DATA)[0] == 2**30)
""")
    assert said == "True"


def test_a_worker_asks_to_die_first() -> None:
    said = run("""
from harness import limits
limits.die_first()
print(open("/proc/self/oom_score_adj").read())
""")
    assert said == "1000"


def test_not_being_allowed_to_ask_is_no_error(tmp_path: Path) -> None:
    limits.die_first(tmp_path / "absent" / "oom_score_adj")


def test_available_is_the_lower_of_machine_and_group(write: Write, tmp_path: Path) -> None:
    meminfo = write("meminfo", "MemTotal: 100 kB\nMemAvailable: 50 kB\n")
    group = Cgroup(tmp_path / "fs", tmp_path / "cgroup")
    assert limits.available_memory(group, meminfo) == 50 * 1024
    write("cgroup", "0::/\n")
    write("fs/memory.max", "40000\n")
    write("fs/memory.current", "10000\n")
    assert limits.available_memory(group, meminfo) == 30000


def test_a_machine_without_meminfo_is_asked_in_another_way(tmp_path: Path) -> None:
    group = Cgroup(tmp_path / "fs", tmp_path / "cgroup")
    assert limits.available_memory(group, tmp_path / "absent") > 10**6


def test_kills_are_counted_in_the_group_or_else_on_the_machine(write: Write, tmp_path: Path) -> None:
    vmstat = write("vmstat", "pgfault 9\noom_kill 4\n")
    group = Cgroup(tmp_path / "fs", tmp_path / "cgroup")
    assert limits.oom_kills(group, vmstat) == 4
    write("cgroup", "0::/\n")
    write("fs/memory.events", "oom_kill 1\n")
    assert limits.oom_kills(group, vmstat) == 1
    assert limits.oom_kills(Cgroup(tmp_path, tmp_path), tmp_path / "absent") == 0
