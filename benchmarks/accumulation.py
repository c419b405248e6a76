"""The same samples in one batch, in parts that accumulate, and in small batches with an update each."""

from harness.benchmark import Benchmark, grid

TRAIN = {"phase": "train"}
CPU = {"device": "cpu", **TRAIN}
CUDA = {"device": "cuda", "size": "base", **TRAIN}

BENCHMARK = Benchmark(
    technique="accumulation",
    quick=[
        *grid(**CPU, model="gpt2", batch=8, length=32, width=128, layers=2),
        *grid(**CUDA, model="gpt2"),
    ],
    standard=[
        *grid(**CPU, model="gpt2", batch=8, length=64),
        *grid(**CUDA, model=["gpt2", "bert", "vit"], batch=32),
    ],
    full=[
        *grid(**CPU, model=["gpt2", "llama", "bert", "vit"], batch=[8, 32]),
        *grid(**CPU, model="digits", batch=128),
        *grid(**CUDA, model=["gpt2", "llama", "bert", "vit"], batch=[8, 32]),
    ],
)
