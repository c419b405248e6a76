"""Tokenizing with and without a cache, over traffic that repeats itself more or less, and longer texts.

The tokenizer runs on the host, whatever the device: one grid is for all.
"""

from harness.benchmark import Benchmark, grid

STREAM = {"model": "requests", "phase": "load"}

BENCHMARK = Benchmark(
    technique="token-cache",
    quick=grid(**STREAM),
    full=[
        *grid(**STREAM, skew=[0.6, 0.8, 1.0], characters=[200, 1000]),
        *grid(**STREAM, texts=[2000, 20000]),
        *grid(**STREAM, size="base"),
    ],
)
