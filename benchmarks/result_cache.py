"""Requests answered from a cache on disk, of models from large to so small that a look-up may cost more."""

from harness.benchmark import Benchmark, grid

CPU = {"device": "cpu", "phase": "infer", "batch": 1}
CUDA = {"device": "cuda", "phase": "infer", "batch": 1}

BENCHMARK = Benchmark(
    technique="result-cache",
    quick=[
        *grid(**CPU, model="bert"),
        *grid(**CUDA, model="bert", size="base"),
    ],
    standard=[
        *grid(**CPU, model="bert"),
        *grid(**CPU, model="bert", layers=1, width=64, length=16, variants=("warm",)),
        *grid(**CUDA, model=["bert", "vit"], size="base"),
    ],
    full=[
        *grid(**CPU, model=["bert", "minilm", "vit"]),
        *grid(**CPU, model="bert", layers=1, width=64, length=16),
        *grid(**CPU, model="bert", size="base", length=128),
        *grid(**CUDA, model=["bert", "vit"], size=["base", "large"]),
    ],
)
