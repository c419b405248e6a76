"""Mixed precision: most of the forward and backward pass in a 16-bit type, weights and optimizer in fp32.

Its tolerances are what rounding does, measured, with room for deeper models. A value is off by up to 2^-9
in bf16, 2^-12 in fp16 and TF32. Outputs then differ by up to 0.03 and 0.004, the gradients of transformers by
0.008 and 0.001, but a ResNet's by 0.3 to 0.6 and 0.15: as in fp32 when its input is rounded alike, for ReLUs
behind batch normalization flip. Gradients that are lost or left scaled are off by 1 or more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness import rounding
from harness.technique import Technique, Variant
from harness.update import Update
from harness.workload import Workload

if TYPE_CHECKING:
    import torch

#: torch begins with 2^16, which overflows in the first steps of many models; they are skipped until it has
#: halved often enough, and a skipped step has no gradients to compare. Underflow is as far from 2^10.
INITIAL_SCALE = 2.0**10


def scaled_update(device: str) -> Update:
    """The update with a GradScaler: gradients too small for fp16 are scaled up in the backward pass."""
    import torch

    scaler = torch.amp.GradScaler(device, init_scale=INITIAL_SCALE)

    def update(loss: torch.Tensor, optimizer: torch.optim.Optimizer, step: bool = True) -> None:
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if not step:
            return
        scaler.unscale_(optimizer)  # step() would do it too, but not for a fused optimizer.
        scaler.step(optimizer)
        scaler.update()

    return update


def fp32(workload: Workload) -> Workload:
    return tf32(workload, allowed=False) if workload.device == "cuda" else workload


def tf32(workload: Workload, allowed: bool = True) -> Workload:
    return workload.with_during(partial(rounding.tf32, allowed))


def autocast(dtype: str, workload: Workload) -> Workload:
    def context() -> torch.autocast:
        import torch

        return torch.autocast(workload.device, getattr(torch, dtype))

    return workload.with_context(context)


def fp16(workload: Workload) -> Workload:
    cast = autocast("float16", workload)
    return replace(cast, make_update=partial(scaled_update, workload.device))


TECHNIQUE = Technique(
    name="mixed-precision",
    says="16-bit arithmetic in the forward and backward pass, fp32 weights",
    stage="precision",
    baseline="fp32",
    phases=("train", "infer", "kernel"),
    variants={
        "fp32": Variant(apply=fp32, says="IEEE fp32 throughout: on CUDA no TF32, not even in convolutions"),
        "bf16": Variant(
            apply=partial(autocast, "bfloat16"), says="autocast to bfloat16", tolerance=0.05, gradients=0.6
        ),
        "fp16": Variant(
            apply=fp16, says="autocast to float16, training with a GradScaler", tolerance=0.01, gradients=0.3
        ),
        "tf32": Variant(
            apply=tf32,
            says="fp32 values, whose matmuls and convolutions round to TF32",
            tolerance=0.01,
            gradients=0.3,
            needs=("cuda",),
            devices=("cuda",),
        ),
    },
)
