"""What emptying CUDA's cache costs, and what it gives back. A host has no such cache."""

from harness.benchmark import Benchmark, grid

BENCHMARK = Benchmark(
    technique="empty-cache-steps",
    quick=grid(device="cuda", model="gpt2", phase="train", size="base"),
    standard=grid(device="cuda", model=["gpt2", "bert", "resnet"], phase="train", size="base"),
    full=grid(
        device="cuda", model=["gpt2", "llama", "bert", "resnet"], phase="train", size=["base", "large"]
    ),
)
