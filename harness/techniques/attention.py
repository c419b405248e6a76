"""Attention: how softmax(query key^T) value is computed, with or without ever holding every score.

In a model it is the switch of transformers, and torch's backends one by one beneath it; in the phase
``kernel``, attention alone. Kernels sum in another order, so results differ by rounding: in fp32 by 1e-6, in
16 bits by a few units of 2^-9 of values and gradients.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Workload

if TYPE_CHECKING:
    import torch

CUDA = ("cuda",)
#: Where torch's own builds of FlashAttention-3 are, which is not on PyPI.
WHEELS = "https://download.pytorch.org/whl/flash-attn-3/"
#: As transformers calls them.
IMPLEMENTATIONS = {"eager": "eager", "sdpa": "sdpa", "flex": "flex_attention"}


def switched(implementation: str, model: Any) -> torch.nn.Module:
    """Raises Unsupported for a model without that implementation."""
    if not hasattr(model, "set_attn_implementation"):
        raise Unsupported(f"{type(model).__name__} has no attention of transformers to switch")
    try:
        model.set_attn_implementation(implementation)
    except (ValueError, ImportError) as error:
        raise Unsupported(str(error).splitlines()[0]) from error
    return model  # type: ignore[no-any-return]


def by(way: str, workload: Workload) -> Workload:
    if workload.phase == "kernel":
        return workload.with_options(attention=way)
    if way not in IMPLEMENTATIONS:
        raise Unsupported(f"{way} is measured alone, in the phase kernel")
    return workload.edited(partial(switched, IMPLEMENTATIONS[way]))


def backend(name: str, workload: Workload) -> Workload:
    """torch's attention with one backend allowed, for the whole job: a checkpoint calls it later."""

    def only() -> AbstractContextManager[None]:
        from torch.nn.attention import SDPBackend, sdpa_kernel

        return sdpa_kernel(getattr(SDPBackend, name))

    return by("sdpa", workload).with_during(only)


def way(name: str, says: str, **more: Any) -> Variant:
    return Variant(apply=partial(by, name), says=says, tolerance=0.02, **more)


def one_backend(name: str, says: str, **more: Any) -> Variant:
    return Variant(apply=partial(backend, name), says=says, tolerance=0.02, **more)


def package(name: str, needs: str) -> Variant:
    """One that is not torch's, for attention alone."""
    return way(name, f"the package {name}", needs=("cuda", needs), devices=CUDA, phases=("kernel",))


TECHNIQUE = Technique(
    name="attention",
    says="attention in one kernel, that never holds every score",
    stage="attention",
    phases=("train", "infer", "kernel"),
    baseline="eager",
    variants={
        "eager": way("eager", "every score held: two products and a softmax"),
        "sdpa": way("sdpa", "torch's scaled_dot_product_attention, which chooses a backend"),
        "flex": way("flex", "flex_attention, generated", needs=CUDA, devices=CUDA, compiles=True),
        "math": one_backend("MATH", "sdpa by plain operations"),
        "flash": one_backend("FLASH_ATTENTION", "sdpa by torch's flash attention; the CPU has one too"),
        "memory-efficient": one_backend(
            "EFFICIENT_ATTENTION", "sdpa by the memory-efficient kernel", needs=CUDA, devices=CUDA
        ),
        "cudnn": one_backend("CUDNN_ATTENTION", "sdpa by cuDNN", needs=CUDA, devices=CUDA),
        "flash-attn": package("flash-attn", "flash-attn>=2"),
        "flash-attn-3": package("flash-attn-3", f"flash-attn-3 --find-links {WHEELS}"),
        "flash-attn-4": package("flash-attn-4", "flash-attn-4"),
    },
    tags=("memory",),
)
