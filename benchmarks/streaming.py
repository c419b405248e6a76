"""Train-per-batch against accumulate-then-train, over growing data sets; and once over several epochs.

More epochs matter: what was accumulated is extracted once, what streams is extracted again in every epoch.
"""

from harness.benchmark import Benchmark, grid

SMALL = {"model": "trajectory", "phase": "train", "size": "small"}
BASE = {**SMALL, "size": "base"}

BENCHMARK = Benchmark(
    technique="streaming",
    quick=[
        *grid(**SMALL, images=[96, 192, 384], adapt="none"),
        *grid(**SMALL, images=96, adapt="lora"),
        *grid(**SMALL, images=96, adapt="none", epochs=3),
    ],
    standard=[
        *grid(**SMALL, images=[250, 500, 1000], batch=25, adapt="none"),
        *grid(**SMALL, images=[250, 1000], batch=25, adapt="lora"),
        *grid(**SMALL, images=250, batch=25, adapt="none", epochs=10),
    ],
    full=[
        *grid(**BASE, images=[500, 1000, 2000], adapt=["none", "lora"]),
        *grid(**BASE, images=1000, adapt="none", epochs=10),
    ],
)
