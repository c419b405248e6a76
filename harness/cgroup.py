"""The control group that this process is in: how much CPU and memory it may take. Version 1, 2 or both.

A limit of any group above ours holds as well, so each is the least on the way up. In a container the path
that /proc names is often not there, and the group that is mounted is our own. A leaf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Version 1 writes "no limit" as the largest multiple of a page; no machine has as much memory.
UNLIMITED = 1 << 60


@dataclass(frozen=True)
class Cgroup:
    root: Path = Path("/sys/fs/cgroup")
    proc: Path = Path("/proc/self/cgroup")

    def cpus(self) -> float | None:
        """The quota in CPUs, such as 1.5; None for no limit."""
        quotas = [_quota_2(each) for each in self._up("")] + [_quota_1(each) for each in self._up("cpu")]
        return min((quota for quota in quotas if quota), default=None)

    def memory_limit(self) -> int | None:
        """Bytes that the group may hold; None for no limit."""
        return min((limit for limit, _ in self._memory()), default=None)

    def memory_left(self) -> int | None:
        """Bytes that the group may still take; page cache that the kernel would drop counts as free."""
        return min((max(0, limit - used) for limit, used in self._memory()), default=None)

    def throttled(self) -> float:
        """Seconds, so far, for which the group had to wait because its quota of CPU was used up."""
        stats = [numbers(each / "cpu.stat") for hierarchy in ("", "cpu") for each in self._up(hierarchy)]
        return sum(one.get("throttled_usec", 0) / 1e6 + one.get("throttled_time", 0) / 1e9 for one in stats)

    def oom_kills(self) -> int | None:
        """Processes of the group that the kernel killed for memory, so far; None if it does not say."""
        files = [each / "memory.events" for each in self._up("")]
        files += [each / "memory.oom_control" for each in self._up("memory")]
        found = (numbers(file) for file in files)
        return next((each["oom_kill"] for each in found if "oom_kill" in each), None)

    def _memory(self) -> Iterator[tuple[int, int]]:
        """(limit, bytes in use that cannot be dropped) of each group with a limit."""
        for each in self._up(""):
            yield from _limited(each, "memory.max", "memory.current", "inactive_file")
        for each in self._up("memory"):
            yield from _limited(each, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

    def _up(self, controller: str) -> Iterator[Path]:
        """Our group of `controller` and those above it, nearest first; "" is version 2."""
        mount = self._mount(controller)
        path = self._paths().get(controller)
        if mount is None or path is None:
            return
        group = mount / path.strip("/")
        if not group.is_dir():
            group = mount
        yield group
        while group != mount:
            group = group.parent
            yield group

    def _mount(self, controller: str) -> Path | None:
        names = [controller] if controller else ["unified", "."]
        if controller == "cpu":
            names.append("cpu,cpuacct")
        return next((self.root / name for name in names if (self.root / name).is_dir()), None)

    def _paths(self) -> Mapping[str, str]:
        """Our path in the hierarchy of each controller, from lines such as ``4:memory:/path``."""
        lines = (line.split(":", 2) for line in text(self.proc).splitlines())
        return {name: path for _, names, path in lines for name in names.split(",")}


def _quota_2(group: Path) -> float | None:
    quota, _, period = text(group / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _quota_1(group: Path) -> float | None:
    quota, period = text(group / "cpu.cfs_quota_us"), text(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _limited(group: Path, limit: str, usage: str, droppable: str) -> Iterator[tuple[int, int]]:
    """The limit and the use, if the limit is one."""
    stated, used = text(group / limit), text(group / usage)
    if stated.isdigit() and used.isdigit() and int(stated) < UNLIMITED:
        yield int(stated), max(0, int(used) - numbers(group / "memory.stat").get(droppable, 0))


def text(path: Path) -> str:
    """The file's words; nothing if it cannot be read."""
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return ""


def numbers(path: Path) -> dict[str, int]:
    """Lines of a name and a number, as the kernel's statistics have: ``oom_kill 0``, ``MemTotal: 1 kB``."""
    pairs = (line.replace(":", " ").split() for line in text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].lstrip("-").isdigit()}
