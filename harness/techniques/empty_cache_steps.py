"""Emptying CUDA's cache every few steps between forward and backward, as ``torch_empty_cache_steps`` does.

Freed blocks go back to the device, which lowers what is reserved and costs time to ask for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.technique import Technique, Variant
from harness.update import Update
from harness.workload import Workload

if TYPE_CHECKING:
    import torch


def emptying(make: Callable[[], Update], every: int) -> Update:
    """The update of `make`, before which the cache is emptied in every n-th step, from the first."""
    import torch

    update, taken = make(), 0

    def both(loss: torch.Tensor, optimizer: torch.optim.Optimizer, step: bool = True) -> None:
        nonlocal taken
        if taken % every == 0:
            torch.cuda.empty_cache()
        taken += step
        update(loss, optimizer, step)

    return both


def every(steps: int) -> Variant:
    def apply(workload: Workload) -> Workload:
        return replace(workload, make_update=partial(emptying, workload.make_update, steps))

    says = "emptied in every step" if steps == 1 else f"emptied in one step of {steps}"
    return Variant(apply=apply, says=says, tolerance=1e-5, needs=("cuda",), devices=("cuda",))


TECHNIQUE = Technique(
    name="empty-cache-steps",
    family="kernels",
    says="CUDA's cache given back between forward and backward",
    stage="cleanup",
    phases=("train",),
    baseline="kept",
    variants={
        "kept": Variant(says="the cache keeps what is freed"),
        "every-step": every(1),
        "every-4th": every(4),
        "every-16th": every(16),
    },
    tags=("memory",),
)
