"""Liger kernels (Hsu et al. 2024): Llama's normalization, rotation, feed-forward and loss as Triton kernels.

The loss is computed from the hidden states in pieces, so that a batch's logits never exist at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Workload

#: The one of its kernels that it puts into the module of transformers, for all models to come.
ROTATION = "apply_rotary_pos_emb"


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """On exit transformers' own rotation is back."""
    from transformers.models.llama import modeling_llama as llama

    names = (ROTATION, "LlamaRMSNorm", "LlamaMLP")
    before = {name: getattr(llama, name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(llama, name, value)


def with_kernels(model: Any, **chosen: bool) -> Any:
    """Raises Unsupported for a model that is not a Llama."""
    from liger_kernel.transformers import apply_liger_kernel_to_llama

    kind = getattr(getattr(model, "config", None), "model_type", type(model).__name__)
    if kind != "llama":
        raise Unsupported(f"Liger's kernels are applied to Llama here, not to {kind}")
    apply_liger_kernel_to_llama(model=model, **chosen)
    return model


def variant(says: str, **chosen: bool) -> Variant:
    def apply(workload: Workload) -> Workload:
        return workload.with_during(restored).edited(partial(with_kernels, **chosen))

    return Variant(
        apply=apply,
        says=says,
        tolerance=0.01,
        needs=("cuda", "liger-kernel>=0.6"),
        devices=("cuda",),
        compiles=True,
    )


TECHNIQUE = Technique(
    name="liger",
    family="kernels",
    says="Liger's Triton kernels in a Llama",
    stage="fusion",
    baseline="transformers",
    variants={
        "transformers": Variant(says="the operations of transformers"),
        "liger": variant("all of Liger's kernels"),
        "liger-loss": variant("only the loss without logits", rope=False, rms_norm=False, swiglu=False),
    },
    tags=("memory",),
)
