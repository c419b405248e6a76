"""Generating with and without a KV cache, over generated lengths: the longer, the more there is to save."""

from harness.benchmark import Benchmark, grid

CPU = {"device": "cpu", "phase": "generate"}
CUDA = {"device": "cuda", "phase": "generate", "size": "base"}
SMALL = {"batch": 1, "layers": 2, "length": 32, "variants": ("dynamic", "static")}

BENCHMARK = Benchmark(
    technique="kv-cache",
    quick=[
        *grid(**CPU, **SMALL, model="gpt2", new=[4, 16]),
        *grid(**CUDA, model="llama", new=[32, 128]),
    ],
    standard=[
        *grid(**CPU, **SMALL, model="gpt2", new=8),
        *grid(**CPU, model="gpt2", batch=1, layers=2, length=32, new=48),
        *grid(**CUDA, model=["gpt2", "llama"], new=[32, 128, 512]),
    ],
    full=[
        *grid(**CPU, model=["gpt2", "llama"], batch=[1, 4], length=64, new=[16, 64, 128]),
        *grid(**CUDA, model=["gpt2", "llama"], batch=[1, 8], new=[32, 128, 480]),
        *grid(**{**CUDA, "size": "large"}, model="llama", new=[32, 128, 512]),
    ],
)
