"""GPUs through an NVML that is played, through /proc, and not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.nvidia import Gpus

Write = Callable[[str, str], Path]


class PlayedNvml:
    """Two cards; the second tells no clock of applications. Names are bytes, as in older versions."""

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"580.1"

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return b"NVIDIA H200"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=150_000_000_000)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:
        return 700_000

    def nvmlDeviceGetMaxClockInfo(self, handle: int, kind: int) -> int:
        return {1: 1980, 2: 3201}[kind]

    def nvmlDeviceGetClockInfo(self, handle: int, kind: int) -> int:
        return {1: 1500, 2: 3201}[kind]

    def nvmlDeviceGetApplicationsClock(self, handle: int, kind: int) -> int:
        if handle == 1:
            raise RuntimeError("Not Supported")
        return 1830

    def nvmlDeviceGetPersistenceMode(self, handle: int) -> int:
        return 1

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return 61

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: int) -> int:
        return 0x1 | 0x4 | 0x20 if handle else 0x1

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=42)] if handle else []


def absent() -> Any:
    raise ModuleNotFoundError("No module named 'pynvml'")


def test_what_nvml_tells_is_told() -> None:
    gpus = Gpus(PlayedNvml)
    assert gpus.told
    first, second = gpus.described()
    assert first == {
        "name": "NVIDIA H200",
        "memory": 150_000_000_000,
        "power_limit": 700.0,
        "max_sm_clock": 1980,
        "max_memory_clock": 3201,
        "application_sm_clock": 1830,
        "persistence": 1,
        "driver": "580.1",
    }
    assert second == {**first, "application_sm_clock": None}, "a question without an answer spoils no other"


def test_what_slows_a_gpu_down_is_named_and_idleness_is_not() -> None:
    first, second = Gpus(PlayedNvml).now()
    assert first == {"sm_clock": 1500, "memory_clock": 3201, "temperature": 61, "slowed": []}
    assert second["slowed"] == ["power cap", "too hot (software)"]


def test_processes_are_told_by_gpu() -> None:
    assert Gpus(PlayedNvml).processes() == [[], [42]]


def test_without_nvml_the_drivers_files_name_the_cards(write: Write, tmp_path: Path) -> None:
    write(
        "version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version: 12\n"
    )
    write("gpus/0000:01:00.0/information", "Model: \t\t NVIDIA L4\nIRQ:   \t\t 155\n")
    write("gpus/0000:02:00.0/information", "Model: \t\t NVIDIA L4\n")
    gpus = Gpus(absent, tmp_path)
    assert gpus.described() == [{"name": "NVIDIA L4", "driver": "550.54.14"}] * 2
    assert not gpus.told
    assert gpus.now() == gpus.processes() == []


def test_a_machine_without_a_gpu_has_none(tmp_path: Path) -> None:
    gpus = Gpus(absent, tmp_path)
    assert gpus.described() == gpus.now() == gpus.processes() == []


def test_nvml_is_loaded_once_and_only_when_asked() -> None:
    loaded = []

    def load() -> PlayedNvml:
        loaded.append(1)
        return PlayedNvml()

    gpus = Gpus(load)
    assert not loaded
    gpus.now(), gpus.now(), gpus.described()
    assert len(loaded) == 1
