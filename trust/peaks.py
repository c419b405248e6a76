"""Memory: side B's peak is 64 MiB higher, in ways that are easy to miss; what each tool reads of that.

``spike``   the step takes a tensor and gives it back.
``child``   a process that the step starts takes it.
``set-up``  as spike, after a set-up that took and gave back more than the step ever has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from harness.launch import Pace
from harness.report.markdown import table
from harness.settings import Settings
from trust import asv, ours, process
from trust.journal import Json
from trust.untimed import Untimed
from trust.workloads import Step

MIB = 1 << 20
#: MiB at the peak of each side, and what the set-up takes.
A, B, SET_UP = 64, 128, 512
KINDS = ("spike", "child", "set_up")

Peaks = dict[str, list[float]]


def build(name: str, mib: int) -> Step:
    """The step of a kind. The tensors are written to: memory that is only promised is no memory."""
    import torch

    if name == "set_up":
        torch.ones(SET_UP * MIB // 4)
    if name == "child":
        command = [sys.executable, "-c", f"bytearray(b'1') * ({mib} << 20)"]
        return lambda: subprocess.run(command, check=True)
    return lambda: float(torch.ones(mib * MIB // 4)[0])


UNITS = [dict.fromkeys(KINDS, A), dict.fromkeys(KINDS, B)]


def _ours(folder: Path) -> Peaks:
    settings = Settings(300, 0.02, (1, 1), Pace(limit=60))
    _, run = ours.compared(UNITS, settings, folder, module="peaks", kind="memory")
    found: Peaks = {}
    for launch in run.launches:
        peaks = {
            one["variant"]: one["memory"]["peak"] + one["host"].get("children", 0)
            for one in launch["records"]
            if "memory" in one
        }
        if len(peaks) == 2:
            found[_kind(launch["group"])] = [peaks["A"], peaks["B"]]
    return found


def _kind(group: str) -> str:
    return group.split("work=")[1].split("@")[0]


ASV = """\
import torch

from planted import UNITS
from trust import peaks


def peaked(name):
    def __init__(self):
        self.peakmem_step = peaks.build(name, UNITS[name])
        self.peakmem_step.pretty_source = name

    return type("W_" + name, (), {"__init__": __init__, "peakmem_step": lambda self: None, "version": "1"})


for name in UNITS:
    globals()["W_" + name] = peaked(name)
"""


def _asv(folder: Path) -> Peaks:
    asv.repository(folder, UNITS, ASV)
    asv.asv(folder, "continuous", "HEAD~1", "HEAD")
    a, b = (asv.results(folder, revision) for revision in ("HEAD~1", "HEAD"))
    return {name: [a[name], b[name]] for name in KINDS if name in a and name in b}


PYPERF = """\
import sys

import pyperf

from trust import peaks



def add(cmd, args):
    cmd.extend(["--kind", args.kind, "--mib", args.mib])


runner = pyperf.Runner(add_cmdline_args=add)
runner.argparser.add_argument("--kind")
runner.argparser.add_argument("--mib")
args = runner.parse_args()
runner.bench_func(args.kind, peaks.build(args.kind, int(args.mib)) if args.worker else print)
"""


def _pyperf(folder: Path) -> Peaks:
    import pyperf

    folder.mkdir(parents=True)
    (folder / "work.py").write_text(PYPERF)
    found: Peaks = {}
    for name in KINDS:
        for mib in (A, B):
            out = folder / f"{name}-{mib}.json"
            options = [
                "--track-memory",
                "-p",
                "2",
                "-n",
                "1",
                "-w",
                "0",
                "-l",
                "1",
                "--quiet",
                "-o",
                str(out),
            ]
            command = ["work.py", "--kind", name, "--mib", str(mib), "--copy-env", *options]
            process.run(process.python(*command), folder, limit=120)
            if out.is_file():
                (one,) = pyperf.BenchmarkSuite.load(str(out)).get_benchmarks()
                found.setdefault(name, []).append(one.mean())
    return {name: both for name, both in found.items() if len(both) == 2}


#: By the tool's name; pytest-benchmark and torch.utils.benchmark measure no memory.
READERS: dict[str, tuple[str, Callable[[Path], Peaks]]] = {
    "claimbench": ("claimbench, tensors and child processes", _ours),
    "asv": ("asv peakmem", _asv),
    "pyperf": ("pyperf --track-memory", _pyperf),
}


def parts(tools: Sequence[str]) -> Iterator[Untimed]:
    """What each of the tools reads, of those that measure memory."""
    for name, (says, reader) in READERS.items():
        if name in tools:
            yield {"kind": "memory", "tool": says}, partial(_read, reader)


def _read(reader: Callable[[Path], Peaks], folder: Path) -> Json:
    return {"peaks": reader(folder)}


def markdown(lines: Sequence[Json]) -> list[str]:
    """What each reads of the 64 MiB that side B has more."""
    found = {one["tool"]: one.get("peaks", {}) for one in lines if one["kind"] == "memory"}
    if not found:
        return []
    names = [says for says, _ in READERS.values() if says in found]
    cells = [[name, *(_error(found[name].get(kind)) for kind in KINDS)] for name in names]
    none = ["no memory", *[""] * len(KINDS[1:])]
    cells += [[name, *none] for name in ("pytest-benchmark", "torch.utils.benchmark")]
    heads = ["tool", "a short spike", "a child process", "after a large set-up"]
    says = f"Side B's peak is {B - A} MiB above side A's; what each reads of that, and its error."
    return ["## A planted peak of memory", says, table(heads, cells)]


def _error(both: Sequence[float] | None) -> str:
    if both is None:
        return "failed"
    read = (both[1] - both[0]) / MIB
    return f"{read:.1f} MiB ({read / (B - A) - 1:+.0%})"
