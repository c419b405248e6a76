"""How torch rounds the factors of fp32 products: settings of the whole process, as before on exit.

Set by torch's older functions: they keep the newer flags (2.9 and later) in step, where setting those alone
breaks what asks the older, as torch.compile does (2.13). But they leave "ieee" where the newer flags said
"none", so those are put back as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

#: Of a kind of operation on a backend; torch 2.9 and later.
FLAG = "fp32_precision"


@contextlib.contextmanager
def matmuls(precision: str) -> Iterator[None]:
    """``highest`` is IEEE fp32; ``high`` and ``medium`` let matrix products round to TF32 and bf16."""
    import torch

    backends: Any = torch.backends
    flags = [one.matmul for one in (backends.cuda, backends.mkldnn) if hasattr(one.matmul, FLAG)]
    before = [getattr(one, FLAG) for one in flags]
    setting = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(setting)
        for one, flag in zip(flags, before, strict=True):
            setattr(one, FLAG, flag)


@contextlib.contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Whether CUDA may round the factors of matrix products and of convolutions to TF32."""
    import torch

    cudnn: Any = torch.backends.cudnn
    before = cudnn.allow_tf32
    with matmuls("high" if allowed else "highest"):
        cudnn.allow_tf32 = allowed
        try:
            yield
        finally:
            cudnn.allow_tf32 = before
