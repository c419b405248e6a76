"""Images of 224 pixels against 128, feature maps of 14 x 14 positions against 7 x 7."""

from harness.benchmark import Benchmark, grid

TRAIN = {"phase": "train"}
#: Kept as a list, the embeddings of every image are what a coarser map has a quarter of.
MAP = {**TRAIN, "model": "trajectory", "spatial": 14}

BENCHMARK = Benchmark(
    technique="resolution",
    quick=[
        *grid(device="cpu", **MAP, images=24, batch=8),
        *grid(device="cpu", **TRAIN, model="resnet", resolution=224, batch=1, width=16),
        *grid(device="cuda", **MAP, size="base", images=500),
        *grid(device="cuda", **TRAIN, model=["resnet", "vit"], size="base"),
    ],
    standard=[
        *grid(device="cpu", **MAP, images=24, batch=8),
        *grid(device="cpu", **TRAIN, model="resnet", resolution=224, batch=1),
        *grid(device="cuda", **MAP, size="base", images=1000),
        *grid(device="cuda", model=["resnet", "vit"], phase=["train", "infer"], size="base"),
    ],
    full=[
        *grid(device="cpu", **MAP, images=96),
        *grid(device="cpu", model=["resnet", "vit"], phase=["train", "infer"], resolution=224, batch=4),
        *grid(device="cuda", **MAP, size="base", images=1000),
        *grid(device="cuda", model=["resnet", "vit"], phase=["train", "infer"], size="base"),
    ],
)
