"""Attention alone, over lengths at the same number of tokens; and whole models with it.

Alone, memory over length tells what holds every score. On CUDA lengths reach 16,384 in the full profile.
"""

from harness.benchmark import Benchmark, grid

TORCH = ("sdpa", "math", "flash")
SWITCH = ("sdpa", "flex")
ALONE = {"model": "attention", "phase": "kernel"}


def lengths(tokens, *chosen, **axes):
    """Cells of `tokens` tokens each, at these lengths."""
    return [
        cell for length in chosen for cell in grid(**ALONE, batch=tokens // length, length=length, **axes)
    ]


CPU = {"device": "cpu", "variants": TORCH}
CUDA = {"device": "cuda", "size": "base", "dtype": "bfloat16"}
BOTH = [False, True]
WIDE = {**CUDA, "heads": 16, "head": 128}
BERT = {"device": "cuda", "model": "bert", "phase": "train", "size": "base", "variants": SWITCH}

BENCHMARK = Benchmark(
    technique="attention",
    quick=[
        *lengths(2048, 512, 1024, 2048, device="cpu", variants=("sdpa", "flash"), heads=1),
        *grid(device="cpu", model="bert", phase="infer", length=128, variants=("sdpa",)),
        *lengths(16384, 512, 2048, 4096, 8192, **CUDA, backward=False),
        *lengths(16384, 2048, 8192, **WIDE, backward=False, causal=False),
        *grid(**BERT, batch=16, length=512),
    ],
    standard=[
        *lengths(4096, 512, 4096, device="cpu", variants=("flash",), heads=1),
        *lengths(4096, 2048, device="cpu", variants=("sdpa", "flash"), heads=1),
        *lengths(2048, 2048, device="cpu", variants=("flash",), heads=1, backward=True),
        *grid(device="cpu", model="bert", phase="infer", length=128, variants=("sdpa",)),
        *grid(device="cpu", model="gpt2", phase="train", variants=("sdpa",)),
        *lengths(16384, 128, 512, 2048, 4096, 8192, **CUDA, backward=BOTH),
        *lengths(16384, 2048, 8192, **WIDE, backward=BOTH, causal=False),
        *grid(**BERT, batch=16, length=[128, 512]),
        *grid(device="cuda", model=["gpt2", "llama", "vit"], phase="train", size="base", variants=SWITCH),
    ],
    full=[
        *lengths(8192, 128, 256, 512, 1024, 2048, 4096, 8192, **CPU, heads=2),
        *lengths(4096, 128, 512, 1024, 2048, 4096, **CPU, heads=2, backward=True, causal=BOTH),
        *grid(device="cpu", model=["gpt2", "llama", "bert", "vit"], phase=["train", "infer"]),
        *lengths(16384, 128, 512, 1024, 2048, 4096, 8192, 16384, **CUDA, backward=BOTH, causal=BOTH),
        *lengths(16384, 2048, 8192, 16384, **WIDE, backward=BOTH, causal=BOTH),
        *lengths(16384, 2048, **CUDA, backward=True, dropout=0.1),
        *grid(**BERT, batch=16, length=[128, 512]),
        *grid(device="cuda", model=["gpt2", "llama", "vit"], phase=["train", "infer"], size="base"),
    ],
)
