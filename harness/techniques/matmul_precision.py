"""``torch.set_float32_matmul_precision``: whether products of fp32 may round their factors, and to what.

``high`` rounds to TF32 on CUDA, ``medium`` to bf16. On a CPU oneDNN follows the setting where the
processor multiplies bf16; elsewhere nothing changes, which the results then show.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.technique import Technique, Variant

#: Of a kind of operation on a backend; torch 2.9 and later.
FLAG = "fp32_precision"


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """The setting, and torch's newer flags that follow it, as before on exit."""
    import torch

    backends: Any = torch.backends
    flags = [one.matmul for one in (backends.cuda, backends.mkldnn) if hasattr(one.matmul, FLAG)]
    before = [getattr(one, FLAG) for one in flags]
    setting = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(setting)
        for one, flag in zip(flags, before, strict=True):
            setattr(one, FLAG, flag)


def variant(name: str, says: str, **more: float) -> Variant:
    return Variant(apply=lambda workload: workload.with_during(partial(precision, name)), says=says, **more)  # type: ignore[arg-type]


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
