"""Processors as trees of files: an Intel laptop, an Arm server, a virtual machine that tells nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cpu

Write = Callable[[str, str], Path]
SYS = "sys/devices/system/cpu"


@pytest.fixture
def laptop(write: Write, tmp_path: Path) -> Path:
    write(
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: 11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz\n"
        "flags\t\t: fpu avx2 smep avx512_vnni avx512f fma sse4_2\ncpu MHz\t\t: 1000.5\n\nprocessor\t: 1\n",
    )
    for number, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        write(f"{SYS}/cpu{number}/topology/thread_siblings_list", f"{siblings}\n")
        write(f"{SYS}/cpu{number}/cpufreq/scaling_governor", "powersave\n")
        write(f"{SYS}/cpu{number}/cpufreq/scaling_cur_freq", f"{2_000_000 + 200_000 * number}\n")
    write(f"{SYS}/intel_pstate/no_turbo", "0\n")
    return tmp_path


def test_a_laptop_with_hyper_threading(laptop: Path) -> None:
    assert cpu.described(laptop, range(4)) == {
        "model": "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz",
        "flags": ["avx2", "avx512_vnni", "avx512f", "fma"],
        "cores": 4,
        "physical": 2,
        "threads_per_core": 2,
        "governor": "powersave",
        "turbo": True,
        "virtual": False,
    }
    assert cpu.clock_mhz(laptop, range(4)) == 2300.0
    assert cpu.clock_mhz(laptop, [1]) == 2200.0


def test_a_container_with_two_of_its_cpus_counts_those(laptop: Path) -> None:
    found = cpu.described(laptop, [0, 1])
    assert (found["cores"], found["physical"], found["threads_per_core"]) == (2, 2, 2)


def test_a_virtual_machine_tells_little(write: Write, tmp_path: Path) -> None:
    write(
        "proc/cpuinfo",
        "model name : AMD EPYC\nflags : hypervisor\ncpu MHz : 2596.1\n\nmodel name : x\ncpu MHz : 2598.1\n",
    )
    found = cpu.described(tmp_path, [0, 1])
    assert found["virtual"]
    assert [found[key] for key in ("physical", "threads_per_core", "governor", "turbo")] == [None] * 4
    assert cpu.clock_mhz(tmp_path, [0, 1]) == pytest.approx(2597.1)
    assert cpu.clock_mhz(tmp_path, range(64)) is None, "too slow to ask the kernel of so many"


def test_an_arm_server_names_itself_in_numbers(write: Write, tmp_path: Path) -> None:
    write(
        "proc/cpuinfo",
        "CPU implementer : 0x41\nFeatures : fp asimd asimdhp bf16 i8mm sve\nCPU part : 0xd40\n",
    )
    found = cpu.described(tmp_path, [0])
    assert found["model"].endswith(" 0x41 0xd40")
    assert found["flags"] == ["asimd", "asimdhp", "bf16", "i8mm", "sve"]


def test_a_system_without_proc_still_has_a_model_and_a_count(tmp_path: Path) -> None:
    found = cpu.described(tmp_path)
    assert found["model"]
    assert found["cores"] >= 1
    assert cpu.clock_mhz(tmp_path, [0]) is None


@pytest.mark.parametrize(("no_turbo", "boost", "on"), [("1", "", False), ("", "1", True), ("", "0", False)])
def test_turbo_is_told_by_either_driver(
    write: Write, tmp_path: Path, no_turbo: str, boost: str, on: bool
) -> None:
    if no_turbo:
        write(f"{SYS}/intel_pstate/no_turbo", no_turbo)
    if boost:
        write(f"{SYS}/cpufreq/boost", boost)
    assert cpu.turbo(tmp_path) is on


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("AMD EPYC", "amd-epyc"),
        ("AMD Ryzen 9 7950X 16-Core Processor", "amd-ryzen-9-7950x"),
        ("AMD Ryzen 7 PRO 4750U with Radeon Graphics", "amd-ryzen-7-pro-4750u"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "intel-xeon-platinum-8375c"),
        ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "intel-core-i7-1165g7"),
        ("NVIDIA GeForce RTX 4090", "nvidia-geforce-rtx-4090"),
        ("../..", "cpu"),
    ],
)
def test_a_model_becomes_a_folders_name(model: str, name: str) -> None:
    assert cpu.short(model) == name
