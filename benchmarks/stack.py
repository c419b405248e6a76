"""Mixed precision, checkpointing and compiling as one technique; beside it each alone, so that parts show."""

from harness.benchmark import Benchmark, grid

STACK = "checkpointing:full+mixed-precision:bf16+compile:default"

#: Those of its parts that need no compiling.
EAGER = ("checkpointing:full", "mixed-precision:bf16")

BENCHMARK = Benchmark(
    name="stack",
    technique=STACK,
    quick=[
        *grid(device="cpu", model="gpt2", phase="train", layers=2, variants=(STACK,)),
        *grid(device="cuda", model="gpt2", phase="train", size="base"),
    ],
    standard=[
        *grid(device="cpu", model="gpt2", phase="train", layers=2, variants=(*EAGER, STACK)),
        *grid(device="cuda", model=["gpt2", "bert", "vit"], phase="train", size="base"),
    ],
    full=[
        *grid(device="cpu", model="gpt2", phase="train"),
        *grid(device="cuda", model=["gpt2", "bert", "vit"], phase="train", size="base"),
    ],
)
