"""Activations computed again against kept: what it costs in time and saves in memory; memory over depth."""

from harness.benchmark import Benchmark, grid

#: Without ``torch``, which does what ``full`` does.
QUICK = ("full", "every-2nd", "sqrt", "selective")

BENCHMARKS = [
    Benchmark(
        technique="checkpointing",
        quick=[
            *grid(device="cpu", model="gpt2", phase="train", variants=QUICK),
            *grid(device="cuda", model="gpt2", phase="train", size="base"),
        ],
        standard=[
            *grid(device="cpu", model="gpt2", phase="train"),
            *grid(device="cpu", model="vit", phase="train", variants=("full",)),
            *grid(device="cuda", model=["gpt2", "llama", "bert", "vit"], phase="train", size="base"),
        ],
        full=[
            *grid(device="cpu", model=["gpt2", "llama", "bert", "vit", "resnet"], phase="train"),
            *grid(device="cpu", model="gpt2", phase="train", length=256),
            *grid(
                device="cuda", model=["gpt2", "llama", "bert", "vit", "resnet"], phase="train", size="base"
            ),
            *grid(device="cuda", model=["gpt2", "bert", "vit"], phase="train", size="large"),
        ],
    ),
    Benchmark(
        name="checkpointing-depth",
        technique="checkpointing",
        measures=("memory",),
        variants=QUICK,
        # Squares, so that segments of sqrt(depth) come out even. Narrow and with few words, so that
        # activations outweigh logits and the gradients of the weights.
        quick=[
            *grid(
                device="cpu",
                model="gpt2",
                phase="train",
                layers=[4, 9, 16],
                width=64,
                head=32,
                vocab=512,
                batch=8,
                variants=("full", "sqrt"),
            ),
            *grid(
                device="cuda",
                model="gpt2",
                phase="train",
                size="base",
                layers=[4, 9, 16],
                vocab=512,
                batch=16,
            ),
        ],
    ),
]
