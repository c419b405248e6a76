"""What pruning keeps of a trained model, and what zeros save; on GPUs 2:4 sparsity against dense fp16."""

from dataclasses import replace

from harness.benchmark import Benchmark, grid
from harness.technique import Variant, technique

PRUNING = technique("pruning")
FP16 = PRUNING.variant("dense-fp16")
CUDA = {"device": "cuda", "phase": "infer"}


def in_fp16(variant: Variant) -> Variant:
    return replace(variant, apply=lambda workload: variant.apply(FP16.apply(workload)), devices=("cuda",))


#: The kernels are for 16 bits, so that dense ones of 16 bits are what they have to beat.
FROM_FP16 = replace(
    PRUNING,
    baseline="dense-fp16",
    variants={name: in_fp16(PRUNING.variant(name)) for name in ("dense-fp16", "2-4-zeros", "2-4-sparse")},
)

BENCHMARKS = [
    Benchmark(
        technique=PRUNING,
        variants=("unstructured", "2-4-zeros", "structured", "gradual"),
        quick=grid(model="digits", phase="infer", epochs=6),
        standard=[
            *grid(device="cpu", model="digits", phase=["train", "infer"], epochs=6),
            *grid(device="cuda", model="digits", phase=["train", "infer"]),
            *grid(device="cuda", model="digits", phase="infer", width=256, layers=4, head=64),
        ],
        full=[
            *grid(model="digits", phase=["train", "infer"]),
            *grid(model="digits", phase="infer", width=256, layers=4, head=64),
        ],
    ),
    Benchmark(
        name="sparse-fp16",
        technique=FROM_FP16,
        quick=grid(**CUDA, model="minilm", size="large"),
        standard=[*grid(**CUDA, model="minilm", size="large"), *grid(**CUDA, model="digits")],
    ),
    Benchmark(
        name="sparse-fp16-speed",
        technique=FROM_FP16,
        measures=("memory", "time"),
        quick=grid(**CUDA, model="bert", size="base", batch=[4, 64]),
        standard=grid(**CUDA, model=["bert", "vit", "llama"], size="base", batch=[4, 64]),
        full=[
            *grid(**CUDA, model=["bert", "vit", "llama"], size="base", batch=[4, 64]),
            *grid(**CUDA, model=["bert", "vit", "llama"], size="large", batch=[4, 16]),
        ],
    ),
]
