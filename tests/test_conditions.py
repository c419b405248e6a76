"""What happened between two samples, made by hand; and samples of trees of files and of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import conditions, cpu
from harness.cgroup import Cgroup
from harness.conditions import Conditions, Sample, between

Write = Callable[[str, str], Path]
IDLE = Sample(at=100.0, busy=50.0, ours=3.0, steal=1.0, clock_mhz=2000.0)
TICK = os.sysconf("SC_CLK_TCK")


def test_load_of_others_is_what_is_busy_less_what_is_ours() -> None:
    found = between(IDLE, replace(IDLE, at=110.0, busy=65.0, ours=8.0, steal=1.5, clock_mhz=1500.0))
    assert found["seconds"] == 10.0
    assert found["load_of_others"] == pytest.approx(1.0), "one core all the time"
    assert found["steal"] == pytest.approx(0.05)
    assert found["clock_mhz"] == [2000.0, 1500.0]
    assert between(IDLE, replace(IDLE, at=110.0, runner=0.5))["runner"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("loads", "expected"), [([], True), ([None], True), ([1.0, 0.1], True), ([0.0, 0.9], False)]
)
def test_whether_the_last_launch_was_alone(loads: list[float | None], expected: bool) -> None:
    launches = [{"conditions": {"load_of_others": load}} for load in loads]
    assert conditions.alone([*launches]) is expected
    assert not conditions.alone([{"conditions": {"load_of_others": 0.0, "steal": 0.4}}])


def test_throttling_heat_and_swapping_are_told() -> None:
    found = between(IDLE, replace(IDLE, at=101.0, throttled=0.25, thermal=0.5, swapped=8192))
    assert (found["throttled"], found["thermal"], found["swapped"]) == (0.25, 0.5, 8192)


def test_times_of_ticks_never_make_a_negative_load() -> None:
    found = between(IDLE, replace(IDLE, at=100.001, ours=3.01))
    assert found["load_of_others"] == 0.0


def test_what_is_not_told_stays_unknown() -> None:
    unknown = replace(IDLE, busy=None, steal=None, clock_mhz=None)
    found = between(unknown, replace(unknown, at=101.0))
    assert found["load_of_others"] is None
    assert found["steal"] is None
    assert found["throttled"] == 0.0


def test_gpus_are_told_at_both_ends() -> None:
    before, after = {"sm_clock": 1980}, {"sm_clock": 1200}
    found = between(replace(IDLE, gpus=[before]), replace(IDLE, at=101.0, gpus=[after]))
    assert found["gpus"] == [{"before": before, "after": after}]


def test_conditions_take_one_sample_at_each_end_and_can_be_used_again() -> None:
    samples = iter([IDLE, replace(IDLE, at=102.0), replace(IDLE, at=103.0), replace(IDLE, at=106.0)])
    watched = Conditions(lambda: next(samples))
    watched.start()
    assert watched.stop()["seconds"] == 2.0
    watched.start()
    assert watched.stop()["seconds"] == 3.0


def plant(write: Write, pid: int) -> None:
    """A machine of three CPUs, with our process, its child in another thread, and that one's child."""
    write(
        "proc/stat",
        f"cpu 9 9 9 9 9 9 9 9 0 0\ncpu0 {TICK} {TICK} {TICK} 500 70 0 {TICK} {2 * TICK} 0 0\n"
        f"cpu1 {6 * TICK} 0 0 0 0 0 0 0 0 0\ncpu2 {99 * TICK} 0 0 0 0 0 0 0 0 0\nintr 5\n",
    )
    write("proc/vmstat", "pswpin 2\npswpout 1\n")
    for each, name, children, seconds in (
        (pid, "py (x) y", "701", 1),
        (701, "w", "702", 2),
        (702, "g++", "", 4),
    ):
        ticks = seconds * TICK
        columns = ["S", *["0"] * 10, ticks, ticks, ticks, ticks, "20"]
        write(f"proc/{each}/stat", f"{each} ({name}) {' '.join(map(str, columns))}\n")
        write(f"proc/{each}/task/{each + 5}/children", f"{children} ")


def test_a_sample_sums_up_our_cpus_and_our_processes(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(write, os.getpid())
    write("sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_total_time_ms", "1500\n")
    monkeypatch.setattr(cpu, "allowed", lambda: [0, 1])
    found = conditions.sample(tmp_path, Cgroup(tmp_path, tmp_path / "cgroup"))
    assert found.busy == 4.0 + 6.0
    assert found.steal == 2.0
    assert found.ours == 4 * (1 + 2 + 4), "own time and that of children that have ended, of three processes"
    assert found.swapped == 3 * os.sysconf("SC_PAGE_SIZE")
    assert found.thermal == 1.5


def test_a_process_that_has_just_gone_counts_nothing(write: Write, tmp_path: Path) -> None:
    write("proc/7/task/7/children", "8 ")
    assert list(conditions.tree(7, tmp_path)) == [7, 8]
    assert conditions._seconds(tmp_path, 8) == 0.0


def test_a_system_without_proc_gives_a_sample_all_the_same(tmp_path: Path) -> None:
    found = conditions.sample(tmp_path, Cgroup(tmp_path, tmp_path / "cgroup"))
    assert found.busy is None
    assert found.ours == 0.0


def test_the_work_of_a_child_of_ours_is_not_the_load_of_others() -> None:
    before = conditions.sample()
    code = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    after = conditions.sample()
    assert after.ours - before.ours >= 0.45, "half a second of CPU time, in ticks"


def test_a_child_that_is_alive_is_in_the_tree() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in set(conditions.tree(os.getpid()))
        child.communicate(b"\n")
