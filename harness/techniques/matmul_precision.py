"""``torch.set_float32_matmul_precision``: whether products of fp32 may round their factors, and to what.

``high`` rounds to TF32 on CUDA, ``medium`` to bf16. On a CPU oneDNN follows the setting where the
processor multiplies bf16; elsewhere nothing changes, which the results then show.
"""

from __future__ import annotations

from functools import partial

from harness import rounding
from harness.technique import Technique, Variant


def variant(name: str, says: str, **more: float) -> Variant:
    context = partial(rounding.matmuls, name)
    return Variant(apply=lambda workload: workload.with_during(context), says=says, **more)  # type: ignore[arg-type]


TECHNIQUE = Technique(
    name="matmul-precision",
    family="kernels",
    says="fp32 matrix products with shorter factors",
    stage="precision",
    baseline="highest",
    variants={
        "highest": variant("highest", "IEEE fp32"),
        "high": variant("high", "TF32, or bf16 in two parts", tolerance=0.01, gradients=0.3),
        "medium": variant("medium", "bf16, summed in fp32", tolerance=0.05, gradients=0.6),
    },
)
