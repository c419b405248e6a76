"""Train-per-batch against accumulate-then-train, over growing data sets; and over several epochs.

More epochs matter: what was accumulated is extracted once, what streams is extracted again in every epoch.
"""

from harness.benchmark import Benchmark, grid

CPU = {"device": "cpu", "model": "trajectory", "phase": "train"}
CUDA = {**CPU, "device": "cuda", "size": "base"}

LORA = Benchmark(
    name="streaming-lora",
    technique="streaming",
    measures=("memory",),
    quick=[
        *grid(**CPU, images=[24, 48], batch=4, adapt="lora"),
        *grid(**CUDA, images=[500, 1000], adapt="lora"),
    ],
)
GROWTH = Benchmark(
    name="streaming-growth",
    technique="streaming",
    measures=("memory",),
    # With the 24 images below three sizes; a quick run times only that one.
    quick=grid(**CPU, images=[32, 48], batch=4),
    standard=grid(**CPU, images=192, batch=8),
)
STREAMING = Benchmark(
    technique="streaming",
    quick=[
        *grid(**CPU, images=24, batch=4),
        *grid(**CPU, images=24, batch=4, epochs=2),
        *grid(**CUDA, images=[500, 1000, 2000]),
        *grid(**CUDA, images=500, epochs=3),
    ],
    standard=[
        *grid(**CPU, images=[48, 96], batch=8),
        *grid(**CPU, images=48, batch=8, epochs=3),
        *grid(**CUDA, images=[1000, 2000, 4000]),
        *grid(**CUDA, images=[1000, 4000], adapt="lora"),
        *grid(**CUDA, images=1000, epochs=10),
    ],
    full=[
        *grid(**CPU, images=[250, 500, 1000, 2000], batch=25, adapt=["none", "lora"]),
        *grid(**CPU, images=250, batch=25, epochs=[3, 10]),
        *grid(**CPU, size="base", images=[64, 128, 256], batch=8),
        *grid(**CUDA, images=[1000, 2000, 4000, 8000], adapt=["none", "lora"]),
        *grid(**CUDA, images=1000, epochs=[3, 10]),
        *grid(**{**CUDA, "size": "large"}, images=[1000, 2000, 4000]),
    ],
)

BENCHMARKS = [STREAMING, GROWTH, LORA]
