"""Convolutions with their images in the order of their kernels."""

from harness.benchmark import Benchmark, grid

BENCHMARK = Benchmark(
    technique="channels-last",
    quick=[
        *grid(device="cpu", model="resnet", phase=["train", "infer"], batch=4),
        *grid(device="cuda", model="resnet", phase=["train", "infer"], size="base"),
    ],
    standard=[
        *grid(device="cpu", model="resnet", phase=["train", "infer"]),
        *grid(device="cuda", model="resnet", phase=["train", "infer"], size=["base", "large"]),
    ],
    full=[
        *grid(device="cpu", model="resnet", phase=["train", "infer"], layers=[18, 50]),
        *grid(device="cpu", model="resnet", phase="infer", size="base", batch=4),
        *grid(
            device="cuda", model="resnet", phase=["train", "infer"], size=["base", "large"], batch=[32, 128]
        ),
    ],
)
