"""The step of the optimizer and the bytes of its state; and whether training arrives at the same place.

A batch of one short text leaves the update a large part of the step.
"""

from harness.benchmark import Benchmark, grid

SMALL = {"device": "cpu", "model": "gpt2", "phase": "train", "batch": 1, "length": 32}

BENCHMARKS = [
    Benchmark(
        technique="optimizer",
        quick=[
            *grid(**SMALL),
            *grid(device="cuda", model=["gpt2", "bert"], phase="train", size="base"),
        ],
        standard=[
            *grid(**SMALL, width=512),
            *grid(device="cuda", model=["gpt2", "llama", "bert", "vit"], phase="train", size="base"),
        ],
        full=[
            *grid(**SMALL, width=[192, 512], layers=[4, 12]),
            *grid(
                device="cuda",
                model=["gpt2", "llama", "bert", "vit"],
                phase="train",
                size="base",
                batch=[1, 8],
            ),
            *grid(device="cuda", model="gpt2", phase="train", size="large", batch=1),
        ],
    ),
    Benchmark(
        name="optimizer-quality",
        technique="optimizer",
        measures=("quality",),
        quick=grid(model="gpt2", phase="train", task="converge", variants=("8-bit", "adafactor")),
        standard=[
            *grid(
                device="cpu",
                model="gpt2",
                phase="train",
                task="converge",
                variants=("8-bit", "adafactor"),
            ),
            *grid(device="cuda", model="gpt2", phase="train", task="converge"),
        ],
        full=grid(model="gpt2", phase="train", task="converge"),
    ),
]
