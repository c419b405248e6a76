"""Throughput and latency from one sample in a step to the largest batch that is asked, or fits."""

from harness.benchmark import Benchmark, grid

BOTH = ["train", "infer"]
FEW = ("4", "16")

BENCHMARK = Benchmark(
    technique="batch-size",
    quick=[
        *grid(device="cpu", model="vit", phase="infer", variants=FEW),
        *grid(device="cuda", model=["vit", "gpt2"], phase="infer", size="base"),
    ],
    standard=[
        *grid(device="cpu", model="vit", phase="infer", variants=(*FEW, "64")),
        *grid(device="cuda", model=["vit", "resnet", "gpt2", "bert"], phase=BOTH, size="base"),
    ],
    full=[
        *grid(device="cpu", model=["vit", "resnet", "gpt2", "llama", "bert"], phase=BOTH),
        *grid(device="cuda", model=["vit", "resnet", "gpt2", "llama", "bert"], phase=BOTH, size="base"),
    ],
)
