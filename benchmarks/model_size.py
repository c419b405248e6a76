"""ResNet-152 against 18, wide ResNet 28x10 against 28x2, an autoencoder of half the units."""

from harness.benchmark import Benchmark, grid

TRAIN = {"phase": "train"}

SIZE = Benchmark(
    technique="model-size",
    quick=[
        *grid(device="cpu", **TRAIN, model="resnet", layers=152, width=8, batch=2),
        *grid(device="cpu", **TRAIN, model="trajectory", images=24, batch=8),
        *grid(device="cuda", **TRAIN, model="resnet", size="large", batch=32),
        *grid(device="cuda", **TRAIN, model="wide_resnet", size="base"),
        *grid(device="cuda", **TRAIN, model="trajectory", size="base"),
    ],
    standard=[
        *grid(device="cpu", **TRAIN, model="resnet", layers=152, width=16, batch=2),
        *grid(device="cpu", **TRAIN, model="wide_resnet", layers=28, widen=10, batch=1),
        *grid(device="cpu", **TRAIN, model="trajectory", images=32),
        *grid(device="cuda", model="resnet", phase=["train", "infer"], size="large"),
        *grid(device="cuda", model="wide_resnet", phase=["train", "infer"], size="base"),
        *grid(device="cuda", **TRAIN, model="trajectory", size="base"),
    ],
    full=[
        *grid(device="cpu", model="resnet", phase=["train", "infer"], layers=152, width=64, batch=2),
        *grid(device="cpu", model="wide_resnet", phase=["train", "infer"], layers=28, widen=10, batch=2),
        *grid(device="cpu", **TRAIN, model="trajectory"),
        *grid(device="cuda", model="resnet", phase=["train", "infer"], size="large"),
        *grid(device="cuda", model="wide_resnet", phase=["train", "infer"], size="base"),
        *grid(device="cuda", **TRAIN, model="trajectory", size="base"),
    ],
)
QUALITY = Benchmark(
    name="model-size-quality",
    technique="model-size",
    measures=("quality",),
    quick=grid(device="cpu", **TRAIN, model="digits", epochs=6),
    standard=[
        *grid(device="cpu", **TRAIN, model="digits", epochs=6),
        *grid(device="cuda", **TRAIN, model="digits"),
    ],
    full=grid(**TRAIN, model="digits"),
)

BENCHMARKS = [SIZE, QUALITY]
