"""Faults: a suite of four workloads of which the second breaks; how many of the other three a tool keeps."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from harness.launch import Pace
from harness.report.markdown import table
from harness.settings import Settings
from trust import asv, ours, process, pytest_benchmark, workloads
from trust.journal import Json
from trust.untimed import Untimed
from trust.workloads import Step

OTHERS = ("split", "sort", "regex")
#: Seconds after which a workload hangs, for tools that can be told; and after which we end a tool.
HUNG, GIVEN_UP = 10, 30


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _out_of_memory() -> None:
    bytearray(1 << 50)


def _hung() -> None:
    time.sleep(1000)


FAULTS: dict[str, Callable[[], None]] = {"killed": _killed, "oom": _out_of_memory, "hung": _hung}


def build(name: str, units: int) -> Step:
    return FAULTS[name] if name in FAULTS else workloads.build(name, units)


def suite(fault: str) -> dict[str, int]:
    """The units by name, the one that breaks in second place."""
    first, *rest = OTHERS
    return dict.fromkeys([first, fault, *rest], 100)


def _ours(fault: str, folder: Path) -> int:
    pace = Pace(rounds=3, block=0.01, lane=0.1, warm_up=0.05, limit=HUNG)
    settings = Settings(60, 1.0, (2, 2), pace)
    found, _ = ours.compared([suite(fault)] * 2, settings, folder, module="faults")
    return sum("time" in one.changes for one in found.cases)


def _asv(fault: str, folder: Path) -> int:
    text = asv.BENCHMARKS.replace("from trust import workloads", "from trust import faults as workloads")
    asv.repository(folder, [suite(fault)] * 2, text.replace('"timeout": 600', f'"timeout": {HUNG}'))
    asv.asv(folder, "run", "HEAD^!", limit=2 * GIVEN_UP)
    return len(set(OTHERS) & set(asv.results(folder, "HEAD")))


def _pytest_benchmark(fault: str, folder: Path) -> int:
    folder.mkdir(parents=True)
    (folder / "planted.py").write_text(f"UNITS = {suite(fault)!r}\n")
    text = pytest_benchmark.TESTS.replace(
        "from trust import workloads", "from trust import faults as workloads"
    )
    (folder / "test_work.py").write_text(text)
    options = [
        "--benchmark-max-time=0.1",
        "--benchmark-save=A",
        f"--benchmark-storage=file://{folder / 'stored'}",
    ]
    pytest_benchmark.pytest(folder, *options, limit=GIVEN_UP)
    return len(set(OTHERS) & set(pytest_benchmark.saved(folder / "stored", "A")))


PYPERF = """\
import pyperf

from trust import faults

runner = pyperf.Runner()
for name, units in {units!r}.items():
    runner.bench_func(name, faults.build(name, units))
"""


def _pyperf(fault: str, folder: Path) -> int:
    import pyperf

    folder.mkdir(parents=True)
    (folder / "work.py").write_text(PYPERF.format(units=suite(fault)))
    options = ["-p", "2", "-n", "2", "-w", "1", "--min-time", "0.01", "--timeout", str(HUNG), "--quiet"]
    command = ["work.py", *options, "--copy-env", "-o", "out.json"]
    process.run(process.python(*command), folder, limit=GIVEN_UP)
    if not (folder / "out.json").is_file():
        return 0
    return len(set(OTHERS) & set(pyperf.BenchmarkSuite.load(str(folder / "out.json")).get_benchmark_names()))


TORCH = """\
import json, sys

from torch.utils.benchmark import Timer
from trust import faults

for name, units in json.loads(sys.argv[1]).items():
    timer = Timer("step()", globals={"step": faults.build(name, units)})
    print("kept", name, timer.blocked_autorange(min_run_time=0.1).median, flush=True)
"""


def _torch(fault: str, folder: Path) -> int:
    """It stores nothing: what a script prints after each is what is kept."""
    folder.mkdir(parents=True)
    (folder / "work.py").write_text(TORCH)
    done = process.run(process.python("work.py", json.dumps(suite(fault))), folder, limit=GIVEN_UP)
    return sum(line.startswith("kept ") for line in done.stdout.splitlines())


KEEPERS: dict[str, Callable[[str, Path], int]] = {
    "claimbench": _ours,
    "asv": _asv,
    "pytest-benchmark": _pytest_benchmark,
    "pyperf": _pyperf,
    "torch": _torch,
}


def parts(tools: Sequence[str]) -> Iterator[Untimed]:
    """Each fault that each of the tools meets."""
    for fault in FAULTS:
        for name in KEEPERS:
            if name in tools:
                yield {"kind": "fault", "tool": name, "fault": fault}, partial(_survived, name, fault)


def _survived(name: str, fault: str, folder: Path) -> Json:
    return {"kept": KEEPERS[name](fault, folder), "of": len(OTHERS)}


def markdown(lines: Sequence[Json]) -> list[str]:
    """How many of the other results each tool keeps."""
    found = {(one["tool"], one["fault"]): one for one in lines if one["kind"] == "fault"}
    names = [name for name in KEEPERS if any(name == tool for tool, _ in found)]
    if not names:
        return []
    cells = [[name, *(_kept(found.get((name, fault))) for fault in FAULTS)] for name in names]
    says = (
        "Of four workloads the second breaks: how many results of the other three are kept. Ours, asv "
        f"and pyperf end what hangs after {HUNG} s, as they can be told; the others got {GIVEN_UP} s."
    )
    return ["## Faults survived", says, table(["tool", "killed", "out of memory", "hung"], cells)]


def _kept(one: Json | None) -> str:
    if one is None:
        return ""
    return f"failed: {one['words']}" if one.get("words") else f"{one['kept']} of {one['of']}"
