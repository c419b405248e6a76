"""Nothing against nothing, with workers that are forked, as most are, and with fresh interpreters."""

from dataclasses import replace

from harness.benchmark import Benchmark, grid
from harness.technique import technique

FORKED = technique("control")
FRESH = replace(FORKED, variants={name: replace(v, fresh=True) for name, v in FORKED.variants.items()})

BENCHMARKS = [
    Benchmark(
        technique=FORKED,
        quick=[
            *grid(device="cpu", model="gpt2", phase="train", batch=2),
            *grid(device="cuda", model="gpt2", phase="train", size="base"),
        ],
        standard=[
            *grid(device="cpu", model="gpt2", phase="train", batch=2),
            *grid(device="cuda", model=["gpt2", "resnet"], phase=["train", "infer"], size="base"),
        ],
        full=[
            *grid(device="cpu", model=["gpt2", "resnet"], phase=["train", "infer"]),
            *grid(device="cuda", model=["gpt2", "resnet"], phase=["train", "infer"], size="base"),
        ],
    ),
    Benchmark(
        name="control-fresh",
        technique=FRESH,
        measures=("time",),
        quick=(),
        # On CUDA every worker is fresh.
        standard=grid(device="cpu", model="gpt2", phase="train", batch=2),
    ),
]
