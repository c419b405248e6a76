"""Shorter factors in matrix products, where those are most of a step."""

from harness.benchmark import Benchmark, grid

BENCHMARK = Benchmark(
    technique="matmul-precision",
    quick=[
        *grid(device="cpu", model="bert", phase="infer", batch=2),
        *grid(device="cuda", model="gpt2", phase="train", size="base"),
    ],
    standard=[
        *grid(device="cpu", model="bert", phase="infer", batch=2),
        *grid(device="cuda", model=["gpt2", "bert", "vit"], phase=["train", "infer"], size="base"),
    ],
    full=[
        *grid(device="cpu", model=["gpt2", "bert"], phase=["train", "infer"]),
        *grid(device="cuda", model=["gpt2", "bert", "vit"], phase=["train", "infer"], size="base"),
    ],
)
