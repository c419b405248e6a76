"""A teacher against the student that it has taught, and against that student by itself: digits and text."""

from harness.benchmark import Benchmark, grid

BENCHMARK = Benchmark(
    technique="distillation",
    quick=[
        *grid(device="cpu", model="digits", phase="infer", layers=5, batch=128, epochs=10),
        *grid(device="cuda", model="topics", phase="infer", size="base"),
    ],
    standard=[
        *grid(device="cpu", model="digits", phase="infer", layers=5, batch=128, epochs=10),
        *grid(device="cpu", model="topics", phase="infer"),
        *grid(device="cuda", model="topics", phase="infer", size=["base", "large"]),
    ],
    full=[
        *grid(device="cpu", model="digits", phase="infer", layers=[5, 10], width=[64, 128]),
        *grid(device="cpu", model="topics", phase="infer", width=[64, 128]),
        *grid(device="cuda", model="topics", phase="infer", size=["base", "large"]),
        *grid(device="cuda", model="topics", phase="infer", size="base", layers=[6, 24]),
    ],
)
