"""What measuring itself costs, as benchmarks: read the table. A bound on time would be chance.

Per step: the clock. Per visit, which is at least 100 ms: the pipe. ``doctor`` prints the clock's share too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import clock
from harness.benchmark import discover
from harness.engines.local import LocalEngine

DECLARED = Path(__file__).parent / "declared"


def test_clock_per_step(benchmark: Any) -> None:
    """A thousand timed steps that do nothing; of a 1 ms step each is to cost under 1 us."""
    timed = clock.of("cpu")
    benchmark.extra_info["steps"] = 1000
    seconds = benchmark(lambda: timed.block(lambda: None, 1000))
    assert len(seconds) == 1000


def test_pipe_per_visit(benchmark: Any, tmp_path: Path) -> None:
    """A visit of one step, asked for and answered; none of it lies in the timed region."""
    case = discover(DECLARED)["toy"].groups("quick", "cpu")[0][0]
    spec = {"case": case.as_json(), "benchmarks": str(DECLARED), "seed": 0, "environment": {}}
    worker = LocalEngine(tmp_path).start(spec, fresh=False)
    worker.answer(60)
    worker.ask("warm_up", 60, seconds=0.1)
    answer = benchmark(lambda: worker.ask("block", 60, steps=1))
    worker.close()
    assert len(answer["seconds"]) == 1
