"""Folding normalizations away: of transformers into the layer after, of a ResNet into the one before."""

from harness.benchmark import Benchmark, grid

LINEAR = {"phase": "infer", "variants": ("layer-norm-linear",)}
CONVOLUTION = {"phase": "infer", "model": "resnet", "variants": ("conv-batch-norm",)}

BENCHMARK = Benchmark(
    technique="fusion",
    quick=[
        *grid(device="cpu", model="vit", batch=4, **LINEAR),
        *grid(device="cpu", batch=4, **CONVOLUTION),
        *grid(device="cuda", model=["gpt2", "vit"], size="base", **LINEAR),
        *grid(device="cuda", size="base", **CONVOLUTION),
    ],
    standard=[
        *grid(device="cpu", model="vit", **LINEAR),
        *grid(device="cpu", **CONVOLUTION),
        *grid(device="cuda", model=["gpt2", "vit"], size=["base", "large"], **LINEAR),
        *grid(device="cuda", size=["base", "large"], **CONVOLUTION),
    ],
    full=[
        *grid(device="cpu", model=["gpt2", "vit"], **LINEAR),
        *grid(device="cpu", **CONVOLUTION),
        *grid(device="cuda", model=["gpt2", "vit"], size=["base", "large"], **LINEAR),
        *grid(device="cuda", size=["base", "large"], **CONVOLUTION),
    ],
)
