"""Nothing against nothing, with workers as most have them, forked, and as compiling needs them, fresh."""

from dataclasses import replace

from harness.benchmark import Benchmark, grid
from harness.technique import technique

FORKED = technique("control")
FRESH = replace(FORKED, variants={name: replace(v, fresh=True) for name, v in FORKED.variants.items()})

GRIDS = {
    "quick": [
        *grid(device="cpu", model="gpt2", phase="train", batch=2),
        *grid(device="cuda", model="gpt2", phase="train", size="base"),
    ],
    "standard": [
        *grid(device="cpu", model=["gpt2", "resnet"], phase=["train", "infer"]),
        *grid(device="cuda", model=["gpt2", "resnet"], phase=["train", "infer"], size="base"),
    ],
}

BENCHMARKS = [
    Benchmark(technique=FORKED, **GRIDS),
    Benchmark(name="control-fresh", technique=FRESH, measures=("time",), quick=GRIDS["quick"]),
]
