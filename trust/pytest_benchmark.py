"""pytest-benchmark: one run for each side, the second with --benchmark-compare-fail."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from trust import process
from trust.verdicts import FAILED, SLOWER, UNCHANGED, Plant, Verdict

NAMES = {field: f"pytest-benchmark {field}:5%" for field in ("median", "mean", "min")}

TESTS = """\
import pytest

from planted import UNITS
from trust import workloads


@pytest.mark.parametrize("name", UNITS)
def test_step(benchmark, name):
    benchmark(workloads.build(name, UNITS[name]))
"""

#: What it prints on what has regressed: `test_step[sort] (0001_A) - Field 'median' has failed ...`.
REGRESSED = re.compile(r"test_step\[(\w+)\] \(\S+\) - Field '(\w+)' has failed (.*)")


def measure(plants: Sequence[Plant], seconds: float, folder: Path) -> list[Verdict]:
    """The verdicts by each field, from the same two runs: half of `seconds` is for a side."""
    for side, name in enumerate("AB"):
        place = folder / name
        place.mkdir(parents=True)
        (place / "planted.py").write_text(f"UNITS = { ({one.work: one.units[side] for one in plants})!r}\n")
        (place / "test_work.py").write_text(TESTS)
    storage = f"--benchmark-storage=file://{folder / 'stored'}"
    timed = [f"--benchmark-max-time={max(seconds / 2 - 0.2, 0.1):.2f}", storage]
    checks = ["--benchmark-compare-fail", *(f"{field}:5%" for field in NAMES)]
    pytest(folder / "A", *timed, "--benchmark-save=A")
    done = pytest(folder / "B", "--benchmark-compare=0001", *checks, *timed, "--benchmark-save=B")
    return read(done, folder / "stored", plants)


def pytest(folder: Path, *arguments: str, limit: float = process.LIMIT) -> str:
    plain = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(folder)]
    return process.run(process.python(*plain, *arguments, "test_work.py"), folder, limit).stdout


def read(output: str, stored: Path, plants: Sequence[Plant]) -> list[Verdict]:
    """Its words from what it prints at the end, its numbers from what it saved."""
    a, b = (saved(stored, name) for name in "AB")
    regressed = {(work, field): words for work, field, words in REGRESSED.findall(output)}
    found = []
    for field, tool in NAMES.items():
        for one in plants:
            first, second = (side.get(one.work, {}).get(field) for side in (a, b))
            if not first or not second:
                found.append(Verdict(tool, one.work, FAILED, None, words="no result"))
                continue
            words = regressed.get((one.work, field), "")
            said = SLOWER if words else UNCHANGED
            found.append(Verdict(tool, one.work, said, second / first, first, words or "passed"))
    return found


def saved(stored: Path, name: str) -> dict[str, dict[str, float]]:
    for path in stored.rglob(f"*_{name}.json"):
        return {one["param"]: one["stats"] for one in json.loads(path.read_text())["benchmarks"]}
    return {}
