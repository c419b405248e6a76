"""doctor on machines that are made up: a good one, and each thing that can be bad, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness import doctor
from harness.doctor import Finding
from harness.observed import Observed

GB = 10**9
CPU = {
    **{"model": "A CPU", "cores": 8, "physical": 8, "threads_per_core": 1},
    **{"governor": "performance", "turbo": False, "virtual": False},
}
QUIET = {"load_of_others": 0.02, "steal": 0.0, "throttled": 0.0, "thermal": 0.0, "swapped": 0}
GPU = {"name": "NVIDIA H200", "max_sm_clock": 1980}
GPU_NOW = {"sm_clock": 1980, "temperature": 40, "slowed": []}
GOOD = Observed(
    cpu=CPU,
    conditions=QUIET,
    quota=None,
    memory_total=32 * GB,
    memory_limit=None,
    memory_available=30 * GB,
    swap_used=0,
    disk_free=100 * GB,
    environment={},
    compiler="/usr/bin/g++",
    other_compiler=None,
    headers=True,
    torch="2.13.0",
    missing={},
    gpus=[GPU],
    gpus_now=[GPU_NOW],
    gpu_processes=[[]],
    gpus_told=True,
    clock_overhead=2e-4,
    clock_resolution=4e-8,
)


def test_a_good_machine_is_well_and_told_nothing_to_do() -> None:
    findings = doctor.examine(GOOD)
    assert {finding.ok for finding in findings} == {True}
    assert {finding.do for finding in findings} == {""}
    assert len({finding.check for finding in findings}) == len(findings) >= 12


def bad(**changed: Any) -> Finding:
    """The one finding that these changes of a good machine make bad."""
    (finding,) = [one for one in doctor.examine(replace(GOOD, **changed)) if one.ok is False]
    assert finding.do, "what is bad says what to do"
    return finding


@pytest.mark.parametrize(
    ("changed", "check", "says", "do"),
    [
        ({"conditions": {**QUIET, "load_of_others": 1.3}}, "load of others", "1.3 of 8 cores", "stop them"),
        ({"conditions": {**QUIET, "steal": 0.5}}, "CPU steal", "50% of a core", "another time"),
        ({"conditions": {**QUIET, "thermal": 0.2}}, "heat", "0.20 s", "cool"),
        ({"conditions": {**QUIET, "swapped": 5_000_000}}, "swap", "5 MB moved", "swapoff"),
        ({"cpu": {**CPU, "governor": "powersave"}}, "CPU governor", "powersave", "--governor performance"),
        ({"cpu": {**CPU, "turbo": True}}, "turbo", "heat", "no_turbo"),
        ({"quota": 1.5}, "CPU limit", "1.5 of 8 cores", "OMP_NUM_THREADS=1"),
        ({"environment": {"OMP_NUM_THREADS": "16"}}, "threads", "16 threads on 8 cores", "OMP_NUM_THREADS=8"),
        ({"environment": {"MKL_NUM_THREADS": "2"}}, "threads", "2 of 8 cores", "unset"),
        ({"memory_available": GB}, "memory", "1 GB free of 32 GB", "out-of-memory"),
        ({"swap_used": 2 * GB}, "swap", "2 GB in use", "swapoff"),
        ({"disk_free": GB // 10}, "disk", "100 MB free", "--out"),
        ({"clock_overhead": 2e-3}, "clock", "0.200% of a step", "clocksource"),
        ({"clock_resolution": 1e-3}, "clock", "ticks of 1000000 ns", "clocksource"),
        ({"compiler": None}, "C++ compiler", "torch.compile", "install"),
        ({"compiler": None, "other_compiler": "/bin/clang++"}, "C++ compiler", "none", "CXX=clang++"),
        ({"headers": False}, "C++ compiler", "Python.h", "python3-dev"),
        ({"torch": None}, "package torch", "not installed", "pip install torch"),
        (
            {"missing": {"needs peft>=0.17, found 0.1: pip install 'peft>=0.17'": ["a:b", "c", "d", "e"]}},
            *("package peft>=0.17", "unsupported without: a:b, c, d and 1 more", "pip install 'peft>=0.17'"),
        ),
        ({"torch": "2.13.0+cpu"}, "GPU", "cannot use the NVIDIA H200", "pip install"),
        ({"gpus_now": [{**GPU_NOW, "slowed": ["power cap"]}]}, "GPU 0", "power cap", "--power-limit"),
        ({"gpu_processes": [[41, 42]]}, "GPU 0 use", "2 other processes", "41, 42"),
    ],
)
def test_what_is_bad_is_found_with_its_number_and_its_mending(
    changed: dict[str, Any], check: str, says: str, do: str
) -> None:
    found = bad(**changed)
    assert found.check == check
    assert says in found.says
    assert do in found.do


def found(check: str, **changed: Any) -> Finding:
    (finding,) = [one for one in doctor.examine(replace(GOOD, **changed)) if one.check == check]
    return finding


HYPER = {**CPU, "cores": 8, "physical": 4, "threads_per_core": 2}


def test_hyper_threading_is_bad_only_if_threads_share_cores() -> None:
    assert found("hyper-threading", cpu=HYPER).ok is True
    assert found("hyper-threading", cpu=HYPER, environment={"OMP_NUM_THREADS": "4"}).ok is True
    shared = found("hyper-threading", cpu=HYPER, environment={"OMP_NUM_THREADS": "8"})
    assert shared.ok is False
    assert shared.do == "export OMP_NUM_THREADS=4"


@pytest.mark.parametrize("given", ["", "many", "0", "8", "8,2"])
def test_threads_that_fit_or_say_nothing_are_well(given: str) -> None:
    assert found("threads", environment={"OMP_NUM_THREADS": given}).ok is True


def test_the_quota_bounds_the_threads_that_fit() -> None:
    assert found("threads", quota=2.5, environment={"OMP_NUM_THREADS": "2"}).ok is True
    assert found("threads", quota=2.5, environment={"OMP_NUM_THREADS": "8"}).do == "export OMP_NUM_THREADS=2"


def test_what_a_virtual_machine_hides_is_unknown_and_not_bad() -> None:
    hidden = {
        **CPU,
        "governor": None,
        "turbo": None,
        "threads_per_core": None,
        "physical": None,
        "virtual": True,
    }
    unknown = {one.check for one in doctor.examine(replace(GOOD, cpu=hidden)) if one.ok is None}
    assert unknown == {"CPU governor", "turbo", "hyper-threading"}
    assert "virtual machine" in found("CPU governor", cpu=hidden).says


def test_a_system_that_tells_no_load_is_unknown() -> None:
    silent = {**QUIET, "load_of_others": None, "steal": None}
    assert found("load of others", conditions=silent).ok is None
    assert all(one.check != "CPU steal" for one in doctor.examine(replace(GOOD, conditions=silent)))


def test_a_memory_limit_is_told_beside_the_machines() -> None:
    assert "limit at 4 GB" in found("memory", memory_limit=4 * GB).says


def test_without_nvml_the_gpus_clocks_are_unknown_and_the_package_is_named() -> None:
    finding = found("GPU", gpus_told=False, gpus_now=[], gpu_processes=[])
    assert finding.ok is None
    assert finding.do == "pip install 'nvidia-ml-py>=12'"


def test_a_machine_without_a_gpu_is_told_nothing_of_it() -> None:
    findings = doctor.examine(replace(GOOD, gpus=[], gpus_now=[], gpu_processes=[], gpus_told=False))
    assert all("GPU" not in one.check for one in findings)


def test_this_machine_can_be_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.observed.WATCH", 0.0)
    findings = doctor.examine()
    assert len(findings) >= 12
    assert all(one.do for one in findings if one.ok is False)
