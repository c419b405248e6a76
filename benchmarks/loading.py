"""A GPT-2 read from files: a state dict or four shards, into random weights or into none."""

from harness.benchmark import Benchmark, grid

CPU = {"device": "cpu", "model": "gpt2", "phase": "load"}
CUDA = {"device": "cuda", "model": "gpt2", "phase": "load"}

BENCHMARK = Benchmark(
    technique="loading",
    quick=[
        *grid(**CPU, width=256, vocab=1024, variants=("shards", "meta")),
        *grid(**CUDA, size="base"),
    ],
    standard=[*grid(**CPU, width=512), *grid(**CUDA, size=["base", "large"])],
    full=[
        *grid(**CPU, width=[256, 512], layers=8),
        *grid(**CPU, size="base"),
        *grid(**CUDA, size=["base", "large"]),
    ],
)
