"""The tools that are asked, in the table's order; each is one run that gives verdicts of one row or more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from trust import asv, ours, pyperf, pytest_benchmark, torch_benchmark
from trust.verdicts import Plant, Verdict

Measure = Callable[[Sequence[Plant], float, Path], list[Verdict]]

TOOLS: dict[str, Measure] = {
    "claimbench": ours.measure,
    "asv": partial(asv.measure, name=asv.DEFAULTS),
    "asv-best": partial(asv.measure, name=asv.BEST),
    "pytest-benchmark": pytest_benchmark.measure,
    "pyperf": pyperf.measure,
    "torch": torch_benchmark.measure,
}
#: What the verdicts of each are called.
NAMED: dict[str, tuple[str, ...]] = {
    "claimbench": (ours.NAME,),
    "asv": (asv.DEFAULTS,),
    "asv-best": (asv.BEST,),
    "pytest-benchmark": tuple(pytest_benchmark.NAMES.values()),
    "pyperf": (pyperf.NAME,),
    "torch": (torch_benchmark.DIGITS, torch_benchmark.COLOURS),
}
#: The rows of the table.
ROWS = tuple(name for names in NAMED.values() for name in names)
