"""asv continuous, on a repository of two commits that differ in nothing but the units of work.

The commits are told apart by a module that is copied into an environment which sees this interpreter's
packages: nothing is built or downloaded, which asv's users are not spared.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from trust import process
from trust.verdicts import FAILED, FASTER, SLOWER, UNCHANGED, Plant, Verdict

DEFAULTS, BEST = "asv continuous", "asv continuous, best"
OPTIONS: dict[str, list[str]] = {
    DEFAULTS: [],
    BEST: ["--interleave-rounds", "-a", "rounds=10", "--factor", "1.05"],
}

BENCHMARKS = """\
import json, random, re, zlib

import numpy
import tokenizers
import torch

from planted import UNITS
from trust import workloads


def timed(name):
    def __init__(self):
        self.time_step = workloads.build(name, UNITS[name])
        self.time_step.pretty_source = name  # asv looks for its source, which some do not have.

    def time_step(self):
        pass

    body = {"__init__": __init__, "time_step": time_step, "version": "1", "timeout": 600}
    return type("W_" + name, (), body)


for name in UNITS:
    globals()["W_" + name] = timed(name)
"""

INSTALL = """\
import shutil, sysconfig

shutil.copy("planted.py", sysconfig.get_path("purelib"))
"""

SETTINGS = {
    "version": 1,
    "project": "planted",
    "repo": ".",
    "branches": ["main"],
    "benchmark_dir": "benchmarks",
    "environment_type": "linked",
    "build_command": [],
    "install_command": ["in-dir={build_dir} python install.py"],
    "uninstall_command": [],
    "plugins": [".linked_environment"],
}

#: A row of its table: `| + | 1.0±0.1ms | 1.1±0.1ms | 1.10 | work.W_sort.time_step |`
ROW = re.compile(r"^\|([ +\-x!*]*)\|[^|]*\|[^|]*\|[^|]*\| work\.W_(\w+)\.time_step[^|]*\|", re.MULTILINE)
SAID = {"+": SLOWER, "-": FASTER, "": UNCHANGED, "!": FAILED, "x": FAILED, "*": FAILED}


def measure(plants: Sequence[Plant], seconds: float, folder: Path, name: str = DEFAULTS) -> list[Verdict]:
    """The verdicts. It has no setting for how long it may take, so `seconds` does not reach it."""
    repository(folder, [{one.work: one.units[side] for one in plants} for side in (0, 1)])
    output = asv(folder, "continuous", "HEAD~1", "HEAD", "--no-only-changed", *OPTIONS[name])
    return read(output, folder, plants, name)


def asv(folder: Path, *arguments: str, limit: float = process.LIMIT) -> str:
    """What it prints, run in the repository `folder`. It asks once about the machine: a home of its own."""
    home = {"HOME": str(folder.parent / "home")}
    if not Path(home["HOME"]).is_dir():
        Path(home["HOME"]).mkdir()
        process.run(process.python("-m", "asv", "machine", "--yes"), folder, extra=home)
    return process.run(process.python("-m", "asv", *arguments), folder, limit, home).stdout


def read(output: str, folder: Path, plants: Sequence[Plant], name: str) -> list[Verdict]:
    """Its words from the table, its numbers, which the table rounds to a percent, from its files."""
    said = {work: mark.strip() for mark, work in ROW.findall(output)}
    a, b = (results(folder, revision) for revision in ("HEAD~1", "HEAD"))
    found = []
    for one in plants:
        first, second = a.get(one.work), b.get(one.work)
        if one.work not in said or not first or not second:
            found.append(Verdict(name, one.work, FAILED, None, words=_last(output)))
            continue
        mark = said[one.work]
        found.append(Verdict(name, one.work, SAID[mark], second / first, first, mark or "no mark"))
    return found


def _last(output: str) -> str:
    return (output.strip().splitlines() or ["no output"])[-1][:200]


def results(folder: Path, revision: str) -> dict[str, float]:
    """Seconds per step by workload, from asv's file on that commit; none for what failed."""
    commit = git(folder, "rev-parse", revision)[:8]
    found: dict[str, float] = {}
    for path in (folder / "results").glob(f"*/{commit}-*.json"):
        stored = json.loads(path.read_text())
        column = stored["result_columns"].index("result")
        for key, row in stored["results"].items():
            value = row[column][0] if row and row[column] else None
            if isinstance(value, (int, float)) and math.isfinite(value):
                found[key.split(".")[1].removeprefix("W_")] = value
    return found


def repository(folder: Path, units: Sequence[dict[str, int]], benchmarks: str = BENCHMARKS) -> None:
    """A repository with a commit for each of the `units`."""
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "__init__.py").touch()
    (folder / "benchmarks" / "work.py").write_text(benchmarks)
    (folder / "install.py").write_text(INSTALL)
    (folder / "asv.conf.json").write_text(json.dumps(SETTINGS))
    shutil.copy(Path(__file__).with_name("linked_environment.py"), folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number, each in enumerate(units):
        (folder / "planted.py").write_text(f"# {number}\nUNITS = {each!r}\n")
        git(folder, "add", "--all")
        git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", str(number))


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=process.environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
