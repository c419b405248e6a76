"""Control groups of both versions, as trees of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cgroup
from harness.cgroup import Cgroup

Write = Callable[[str, str], Path]
GB = 2**30


@pytest.fixture
def group(tmp_path: Path) -> Cgroup:
    """Version 2 or 1, as its tests write; nothing at first."""
    return Cgroup(tmp_path / "fs", tmp_path / "cgroup")


def test_nothing_mounted_means_no_limits(group: Cgroup) -> None:
    assert (group.cpus(), group.memory_limit(), group.memory_left()) == (None, None, None)
    assert (group.throttled(), group.oom_kills()) == (0.0, None)


def test_version_2_is_read_and_the_lowest_limit_on_the_way_up_holds(group: Cgroup, write: Write) -> None:
    write("cgroup", "0::/pod/me\n")
    write("fs/cpu.stat", "usage_usec 5\n")
    write("fs/pod/cpu.max", "150000 100000\n")
    write("fs/pod/me/cpu.max", "max 100000\n")
    write("fs/pod/memory.max", f"{8 * GB}\n")
    write("fs/pod/memory.current", f"{5 * GB}\n")
    write("fs/pod/memory.stat", f"anon 1\ninactive_file {2 * GB}\n")
    write("fs/pod/me/memory.max", f"{6 * GB}\n")
    write("fs/pod/me/memory.current", f"{1 * GB}\n")
    write("fs/pod/cpu.stat", "usage_usec 1\nnr_throttled 2\nthrottled_usec 1500000\n")
    write("fs/pod/me/cpu.stat", "throttled_usec 0\n")
    write("fs/pod/me/memory.events", "low 0\noom 3\noom_kill 2\n")
    assert group.cpus() == 1.5
    assert group.memory_limit() == 6 * GB
    assert group.memory_left() == 5 * GB, "the outer one: 8 less 5, of which 2 are droppable cache"
    assert group.throttled() == 1.5
    assert group.oom_kills() == 2


def test_version_1_is_read(group: Cgroup, write: Write) -> None:
    write("cgroup", "11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n0::/\n")
    write("fs/memory/docker/abc/memory.limit_in_bytes", f"{4 * GB}\n")
    write("fs/memory/docker/abc/memory.usage_in_bytes", f"{3 * GB}\n")
    write("fs/memory/docker/abc/memory.stat", f"total_inactive_file {GB}\n")
    write("fs/memory/memory.limit_in_bytes", "9223372036854771712\n")
    write("fs/memory/memory.usage_in_bytes", "1\n")
    write("fs/memory/docker/abc/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n")
    write("fs/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "200000\n")
    write("fs/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n")
    write("fs/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    write("fs/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    write("fs/cpu,cpuacct/docker/abc/cpu.stat", "nr_periods 4\nthrottled_time 2500000000\n")
    assert group.cpus() == 2.0
    assert group.memory_limit() == 4 * GB
    assert group.memory_left() == 2 * GB
    assert group.throttled() == 2.5
    assert group.oom_kills() == 7


def test_in_a_container_the_path_that_proc_names_is_not_there_and_the_mount_is_ours(
    group: Cgroup, write: Write
) -> None:
    write("cgroup", "0::/../../somewhere/else\n")
    write("fs/memory.max", f"{2 * GB}\n")
    write("fs/memory.current", "0\n")
    assert group.memory_limit() == 2 * GB


def test_more_in_use_than_allowed_leaves_nothing(group: Cgroup, write: Write) -> None:
    write("cgroup", "0::/\n")
    write("fs/memory.max", "100\n")
    write("fs/memory.current", "300\n")
    assert group.memory_left() == 0


def test_numbers_skip_what_is_none(write: Write, tmp_path: Path) -> None:
    path = write("stat", "MemTotal:  12 kB\nName:\tpython\n\nswap -3\nempty\n")
    assert cgroup.numbers(path) == {"MemTotal": 12, "swap": -3}
    assert cgroup.numbers(tmp_path / "absent") == {}


def test_the_real_one_answers() -> None:
    real = Cgroup()
    assert real.throttled() >= 0
    assert real.cpus() is None or real.cpus() > 0  # type: ignore[operator]
