"""NVIDIA GPUs as the driver sees them, without torch and without a CUDA context. A leaf.

Through nvidia-ml-py if that is installed, which is the extra ``gpu``; else only what /proc tells.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.cgroup import text

#: What tells clocks, power and processes.
NEEDS = "nvidia-ml-py>=12"

DRIVER = Path("/proc/driver/nvidia")

#: Why a GPU runs below the clock it could: NVML's bits, nvml.h "nvmlClocksEventReasons".
SLOWED = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "too hot (software)",
    0x40: "too hot (hardware)",
    0x80: "power brake",
}


def _nvml() -> Any:
    nvml = importlib.import_module("pynvml")
    nvml.nvmlInit()
    return nvml


class Gpus:
    """All GPUs of the machine. What the driver does not say is left out or None; nothing here raises."""

    def __init__(self, load: Callable[[], Any] = _nvml, driver: Path = DRIVER) -> None:
        self._load = load
        self._driver = driver

    @cached_property
    def _library(self) -> Any:
        with suppress(Exception):  # Not installed, no driver, no permission: all mean that NVML says nothing.
            return self._load()
        return None

    @cached_property
    def _handles(self) -> list[Any]:
        nvml = self._library
        if nvml is None:
            return []
        count = self._try("nvmlDeviceGetCount") or 0
        handles = (self._try("nvmlDeviceGetHandleByIndex", index) for index in range(count))
        return [handle for handle in handles if handle is not None]

    @property
    def told(self) -> bool:
        """Whether NVML is there: without it nothing is known of clocks and processes."""
        return self._library is not None

    def described(self) -> list[dict[str, Any]]:
        """What stays from run to run: name, driver, memory (bytes), power limit (W), highest clocks (MHz)."""
        if not self._handles:
            return self._from_proc()
        driver = _string(self._try("nvmlSystemGetDriverVersion"))
        return [{**self._described(handle), "driver": driver} for handle in self._handles]

    def _described(self, handle: Any) -> dict[str, Any]:
        memory = self._try("nvmlDeviceGetMemoryInfo", handle)
        power = self._try("nvmlDeviceGetEnforcedPowerLimit", handle)
        return {
            "name": _string(self._try("nvmlDeviceGetName", handle)),
            "memory": int(memory.total) if memory else None,
            "power_limit": power / 1e3 if power else None,
            "max_sm_clock": self._try("nvmlDeviceGetMaxClockInfo", handle, 1),
            "max_memory_clock": self._try("nvmlDeviceGetMaxClockInfo", handle, 2),
            "application_sm_clock": self._try("nvmlDeviceGetApplicationsClock", handle, 1),
            "persistence": self._try("nvmlDeviceGetPersistenceMode", handle),
        }

    def _from_proc(self) -> list[dict[str, Any]]:
        version = re.search(r"Kernel Module\D+([\d.]+)", text(self._driver / "version"))
        models = (
            re.search(r"^Model:\s*(.+)$", text(file), re.MULTILINE)
            for file in sorted(self._driver.glob("gpus/*/information"))
        )
        driver = version[1] if version else None
        return [{"name": model[1].strip(), "driver": driver} for model in models if model]

    def now(self) -> list[dict[str, Any]]:
        """What changes: clocks in MHz, degrees Celsius, and what slows it down."""
        return [
            {
                "sm_clock": self._try("nvmlDeviceGetClockInfo", handle, 1),
                "memory_clock": self._try("nvmlDeviceGetClockInfo", handle, 2),
                "temperature": self._try("nvmlDeviceGetTemperature", handle, 0),
                "slowed": self._slowed(handle),
            }
            for handle in self._handles
        ]

    def processes(self) -> list[list[int]]:
        """The processes that compute on each GPU, ours included; those of other containers may be hidden."""
        listed = (self._try("nvmlDeviceGetComputeRunningProcesses", handle) for handle in self._handles)
        return [[int(one.pid) for one in found or []] for found in listed]

    def _slowed(self, handle: Any) -> list[str]:
        bits = self._try("nvmlDeviceGetCurrentClocksThrottleReasons", handle) or 0
        return [reason for bit, reason in SLOWED.items() if bits & bit]

    def _try(self, name: str, *arguments: Any) -> Any:
        """The answer to one question, None where the driver or the card has none."""
        with suppress(Exception):
            return getattr(self._library, name)(*arguments)
        return None


def _string(found: Any) -> str | None:
    """NVML's strings are bytes in older versions."""
    return found.decode(errors="replace") if isinstance(found, bytes) else found
