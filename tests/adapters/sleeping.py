"""What asv and pytest-benchmark are tried on: a step that sleeps, whose time no load changes much."""

from __future__ import annotations

DECLARATION = """\
from harness.benchmark import Benchmark, grid
from harness.workload import Workload


def make(phase, device, seed, **parameters):
    import torch

    return Workload(
        model="toy",
        phase=phase,
        samples=4,
        device=device,
        seed=seed,
        make_model=lambda: torch.nn.Linear(8, 8),
        make_batches=lambda: [{"x": torch.randn(4, 8)}],
        forward=lambda model, batch: model(batch["x"]).square().mean(),
        parameters=parameters,
    )


BENCHMARK = Benchmark(technique=TECHNIQUE, quick=grid(model="toy", phase="train"), make=make)
"""

TECHNIQUE = """\
import time

from harness.technique import Technique, Variant


def sleeping(workload):
    def edit(model):
        model.register_forward_hook(lambda *given: time.sleep(SECONDS))
        return model

    return workload.edited(edit)


def wrong(workload):
    def edit(model):
        model.register_forward_hook(lambda model, given, output: output + 1)
        return model

    return workload.edited(edit)


TECHNIQUE = Technique(
    name="NAME",
    says="sleeps",
    stage="control",
    baseline="none",
    variants={
        "none": Variant(),
        "sleep": Variant(apply=sleeping),
        "wrong": Variant(apply=wrong),
        "lacking": Variant(needs=("a-package-nobody-has",)),
        "compiling": Variant(compiles=True, devices=("cpu",)),
    },
)
"""


def technique(name: str, seconds: float) -> str:
    """The source of a technique whose variant ``sleep`` takes `seconds`."""
    return TECHNIQUE.replace("NAME", name).replace("SECONDS", str(seconds))


def declaration(name: str) -> str:
    """The source of a benchmark of a technique in harness/techniques/."""
    return f"from harness.techniques.{name} import TECHNIQUE\n{DECLARATION}"
