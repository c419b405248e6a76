"""The batch that is found by failing, from 64 times the one given."""

from harness.benchmark import Benchmark, grid

BENCHMARK = Benchmark(
    technique="adaptive-batch",
    quick=[
        *grid(device="cpu", model="gpt2", phase="train", batch=2, length=64, variants=("halving",)),
        *grid(device="cuda", model="gpt2", phase="train", size="base"),
    ],
    standard=[
        *grid(device="cpu", model="gpt2", phase="train", batch=2, length=32),
        *grid(device="cuda", model=["gpt2", "vit"], phase="train", size="base"),
    ],
)
