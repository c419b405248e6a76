"""Liger's kernels in Llama, on CUDA: Triton has none for a host."""

from harness.benchmark import Benchmark, grid

LLAMA = {"device": "cuda", "model": "llama", "size": "base"}

BENCHMARK = Benchmark(
    technique="liger",
    quick=grid(**LLAMA, phase="train"),
    standard=grid(**LLAMA, phase=["train", "infer"]),
    full=[*grid(**LLAMA, phase=["train", "infer"]), *grid(**LLAMA, phase="train", length=[1024, 4096])],
)
