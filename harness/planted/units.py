"""A step of 100 equal units of real work, and the same step with 2, 5 or 10 units more."""

from __future__ import annotations

import math
from typing import Any

from harness import clock
from harness.benchmark import Benchmark, grid
from harness.technique import Technique, Variant
from harness.workload import ModelJob, Workload

UNITS = 100
#: Units more, which are per cent: what the step of a variant takes longer, but for the step's own few us.
EXTRA = (2, 5, 10)
#: Rows and features of a unit: one layer of so many, tens of microseconds on a CPU.
SIZE = {"cpu": (32, 128), "cuda": (512, 1024)}


class Units(ModelJob):
    def figures(self) -> dict[str, float | str]:
        """How a step's time by our clock compares with a bare loop's: a ratio, 1 without bias."""
        timed = clock.of(self.workload.device)
        return {"clock over bare loop": math.exp(clock.bias(timed, self.step, seconds=0.01))}


def make(phase: str, device: str, seed: int, units: int = UNITS) -> Workload:
    """The units follow each other, each on what the last one gave."""
    rows, width = SIZE[device]

    def model() -> Any:
        import torch

        return torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.GELU())

    def batches() -> Any:
        import torch

        return [{"x": torch.randn(rows, width)}]

    def forward(model: Any, batch: Any) -> Any:
        x = batch["x"]
        for _ in range(units):
            x = model(x)
        return x

    return Workload(
        model="units",
        phase=phase,
        samples=rows,
        device=device,
        seed=seed,
        make_model=model,
        make_batches=batches,
        forward=forward,
        parameters={"units": units},
        make_job=Units,
    )


def _more(extra: int) -> Variant:
    return Variant(
        apply=lambda workload: workload.again(units=UNITS + extra),
        says=f"{extra} % more work",
        tolerance=None,
    )


BENCHMARK = Benchmark(
    name="planted",
    make=make,
    technique=Technique(
        name="planted",
        says="a known amount of work more",
        stage="control",
        phases=("infer",),
        baseline="plus-0",
        variants={
            "plus-0": Variant(says="the workload as it is"),
            **{f"plus-{extra}": _more(extra) for extra in EXTRA},
        },
        measures=("time",),
    ),
    quick=grid(model="units", phase="infer"),
)
