"""A data set decoded once against one that is decoded in every epoch, with and without a model to train."""

from harness.benchmark import Benchmark, grid

CPU = {"device": "cpu", "model": "loader"}
CUDA = {"device": "cuda", "model": "loader", "size": "base"}

BENCHMARK = Benchmark(
    technique="dataset-cache",
    quick=[
        *grid(**CPU, phase="train", samples=16, batch=8),
        *grid(**CUDA, phase="train", samples=512),
    ],
    standard=[
        *grid(**CPU, phase="train", samples=32, file=[32, 128]),
        *grid(**CUDA, phase=["load", "train"], samples=1024),
    ],
    full=[
        *grid(**CPU, phase=["load", "train"], samples=64, file=[32, 128]),
        *grid(**CUDA, phase=["load", "train"], samples=1024),
    ],
)
