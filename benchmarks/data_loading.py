"""Getting batches to a device: workers, prefetching, pinned memory, where pixels are prepared.

With a slow transform planted workers have something to share, and it is known what has to be named.
"""

from harness.benchmark import Benchmark, grid

CPU = {"device": "cpu", "model": "loader"}
CUDA = {"device": "cuda", "model": "loader", "size": "base"}
FEW = ("workers-1", "workers-2", "workers-4")
GPU_WORKERS = [
    *grid(**CUDA, phase="load", data=["jpeg", "text"]),
    *grid(**CUDA, phase="load", transform_ms=[5, 20]),
    *grid(**CUDA, phase="train", transform_ms=20),
    *grid(**CUDA, phase="train", compute_ms=500),
]

WORKERS = Benchmark(
    technique="loader-workers",
    quick=[
        *grid(**CPU, phase="load", samples=32, batch=4, transform_ms=5, variants=FEW),
        *grid(**CPU, phase="train", samples=8, batch=4, transform_ms=20),
        *grid(**CPU, phase="train", samples=8, batch=4, compute_ms=50),
        *grid(**CUDA, phase="load", transform_ms=5),
        *grid(**CUDA, phase="train", samples=512, transform_ms=20),
        *grid(**CUDA, phase="train", samples=512, compute_ms=500),
    ],
    standard=[
        *grid(**CPU, phase="load", samples=32, batch=4, transform_ms=5),
        *grid(**CPU, phase="load", samples=8, batch=4, transform_ms=20, variants=("workers-2",)),
        *grid(**CPU, phase="load", samples=256, data="text", variants=("workers-1", "workers-2")),
        *grid(**CPU, phase="train", samples=8, batch=4, transform_ms=20),
        *grid(**CPU, phase="train", samples=8, batch=4, compute_ms=50),
        *GPU_WORKERS,
    ],
    full=[
        *grid(**CPU, phase="load", samples=128, transform_ms=[0, 5, 20], variants=FEW),
        *grid(**CPU, phase="load", samples=512, data="text", variants=FEW),
        *grid(**CPU, phase="train", samples=32, batch=4, transform_ms=20),
        *grid(**CPU, phase="train", samples=32, batch=4, compute_ms=50),
        *GPU_WORKERS,
    ],
)
PREFETCH = Benchmark(
    technique="prefetch",
    quick=[
        *grid(**CPU, phase="load", consumer="vit", samples=32, batch=4, variants=("prefetch-2",)),
        *grid(**CUDA, phase="load", consumer="vit"),
    ],
    standard=[
        *grid(**CPU, phase="load", consumer="vit", samples=32, batch=4, variants=("prefetch-2",)),
        *grid(**CUDA, phase="load", consumer=["none", "vit"]),
    ],
    full=[
        *grid(**CPU, phase="load", consumer=["none", "vit"], samples=128),
        *grid(**CUDA, phase="load", consumer=["none", "vit"]),
    ],
)
PERSISTENT = Benchmark(
    technique="persistent-workers",
    quick=[
        *grid(**CPU, phase="load", samples=32, batch=4),
        *grid(**CUDA, phase="load", samples=512),
    ],
    standard=[
        *grid(**CPU, phase="load", samples=32, batch=4),
        *grid(**CUDA, phase="load", samples=[512, 4096], consumer=["none", "vit"]),
    ],
    full=[
        *grid(**CPU, phase="load", samples=[32, 256], consumer=["none", "vit"]),
        *grid(**CUDA, phase="load", samples=[512, 4096], consumer=["none", "vit"]),
    ],
)
PINNING = Benchmark(
    technique="pinning",
    quick=grid(**CUDA, phase="load", consumer=["none", "vit"], samples=512),
    standard=grid(**CUDA, phase="load", consumer=["none", "vit"]),
)
PREPROCESSING = Benchmark(
    technique="preprocessing",
    quick=[*grid(**CPU, phase="load", samples=16, batch=8), *grid(**CUDA, phase="load", samples=512)],
    standard=[
        *grid(**CPU, phase="load", samples=32, batch=8),
        *grid(**CUDA, phase="load", file=[256, 512]),
    ],
    full=[
        *grid(**CPU, phase="load", samples=64, file=[128, 512]),
        *grid(**CUDA, phase="load", file=[256, 512]),
    ],
)

BENCHMARKS = [WORKERS, PREFETCH, PERSISTENT, PINNING, PREPROCESSING]
