"""Fewer bits against fp32; on GPUs against bf16 too, one token after the other, eager and as generated code.

Prefill is ``infer`` on a prompt, decoding is ``generate``. The trained models tell what quality is lost.
"""

from dataclasses import replace

from harness.benchmark import Benchmark, grid
from harness.technique import Variant, technique, upon

QUANTIZATION = technique("quantization")
BF16 = QUANTIZATION.variant("bf16")


def from_bf16(variant: Variant) -> Variant:
    return replace(variant, apply=lambda workload: variant.apply(BF16.apply(workload)))


#: Against bf16, as what is published of large models is.
FROM_BF16 = replace(
    QUANTIZATION,
    baseline="bf16",
    variants={name: from_bf16(one) for name, one in QUANTIZATION.variants.items() if name != "fp32"},
)
BITS = ("bf16", "dynamic-int8", "int8-weight-only", "int4-weight-only", "bnb-nf4")
FEW = ("dynamic-int8", "int8-weight-only", "int4-weight-only")
#: Without ``bnb-int8-plain``, which differs from ``bnb-int8`` where activations have outliers.
TRAINED = (*BITS, "int8-dynamic", "int2", "int2-packed", "bnb-int8")
LOSSY = ("dynamic-int8", "int2")
TORCHAO = ("int8-weight-only", "int8-dynamic", "int4-weight-only", "fp8-weight-only", "fp8-dynamic")
COMPILED, DECODING = "compile:default", "kv-cache:static-compile"
SPEED = ("memory", "time")


def with_(spelling: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}+{spelling}" for name in names)


BENCHMARKS = [
    Benchmark(
        technique=QUANTIZATION,
        measures=("memory", "time", "quality"),
        quick=[
            *grid(device="cpu", model="minilm", phase="infer", batch=1, length=32, variants=BITS),
            *grid(device="cpu", model="digits", phase="infer", epochs=6, variants=LOSSY),
            *grid(device="cuda", model="minilm", phase="infer", size="large"),
        ],
        standard=[
            *grid(device="cpu", model="minilm", phase="infer", batch=1, length=32, variants=TRAINED),
            *grid(device="cpu", model="digits", phase="infer", epochs=6, variants=LOSSY),
            *grid(device="cuda", model="minilm", phase="infer", size="large", batch=[1, 128]),
        ],
        full=[
            *grid(device="cpu", model="minilm", phase="infer", batch=[1, 8]),
            *grid(device="cpu", model="digits", phase="infer"),
            *grid(device="cuda", model="minilm", phase="infer", size="large", batch=[1, 128]),
        ],
    ),
    Benchmark(
        name="quantization-speed",
        technique=QUANTIZATION,
        measures=SPEED,
        quick=[
            *grid(
                device="cpu",
                model="llama",
                phase="generate",
                batch=1,
                length=32,
                layers=2,
                new=8,
                variants=FEW,
            ),
            *grid(device="cuda", model="bert", phase="infer", size="base", batch=[1, 16]),
        ],
        standard=[
            *grid(device="cpu", model="minilm", phase="infer", batch=8, variants=("dynamic-int8",)),
            *grid(
                device="cpu", model="llama", phase="infer", batch=1, length=128, variants=("dynamic-int8",)
            ),
            *grid(device="cpu", model="llama", phase="generate", batch=1, length=32, new=8, variants=FEW),
            *grid(
                device="cpu",
                model="bert",
                phase="infer",
                size="base",
                batch=1,
                length=64,
                variants=("dynamic-int8",),
            ),
            *grid(device="cuda", model=["bert", "llama"], phase="infer", size="base", batch=[1, 16]),
        ],
        full=[
            *grid(device="cpu", model="llama", phase="infer", batch=[1, 8], length=128),
            *grid(device="cpu", model="llama", phase="generate", batch=[1, 8], length=32, new=16),
            *grid(device="cpu", model="bert", phase="infer", size="base", batch=1, length=128),
            *grid(device="cuda", model=["bert", "llama"], phase="infer", size="base", batch=[1, 16]),
        ],
    ),
    Benchmark(
        name="quantization-compiled",
        technique=upon(QUANTIZATION, COMPILED),
        measures=SPEED,
        quick=[
            *grid(
                device="cpu",
                model="bert",
                phase="infer",
                layers=1,
                length=64,
                batch=1,
                variants=with_(COMPILED, ("int8-weight-only", "int8-dynamic")),
            ),
            *grid(
                device="cuda",
                model="bert",
                phase="infer",
                size="base",
                variants=with_(COMPILED, ("bf16", *TORCHAO)),
            ),
        ],
    ),
    Benchmark(
        name="quantization-decode",
        technique=FROM_BF16,
        measures=SPEED,
        quick=grid(device="cuda", model="llama", phase="generate", size="base", batch=1),
        standard=grid(device="cuda", model="llama", phase=["infer", "generate"], size="base", batch=[1, 8]),
        full=grid(device="cuda", model="llama", phase=["infer", "generate"], size="large", batch=[1, 8]),
    ),
    Benchmark(
        name="quantization-decode-compiled",
        technique=upon(replace(FROM_BF16, phases=("generate",)), DECODING),
        measures=SPEED,
        variants=with_(DECODING, TORCHAO),
        quick=grid(device="cuda", model="llama", phase="generate", size="base", batch=1),
        full=grid(device="cuda", model="llama", phase="generate", size="large", batch=[1, 8]),
    ),
]
