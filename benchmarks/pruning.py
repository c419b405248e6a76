"""What pruning keeps of a trained classifier, and what zeros save."""

from harness.benchmark import Benchmark, grid

BENCHMARK = Benchmark(
    technique="pruning",
    quick=grid(model="digits", phase="infer", epochs=6),
    standard=[
        *grid(model="digits", phase=["train", "infer"]),
        *grid(model="digits", phase="infer", width=256, layers=4, head=64),
    ],
)
