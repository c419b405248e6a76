"""The optimizer's step: AdamW parameter by parameter, in groups, in one kernel, or with a smaller state.

AdamW's learning rate, betas, eps and weight decay are those of the workload's own, Adafactor's are its own,
for its rate is one of another quantity; both follow the workload's schedule. A step's loss and gradients come
before the update, so that the first are equal whatever the optimizer does: where training arrives is told by
quality, for 8-bit AdamW and Adafactor change the updates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.technique import Technique, Variant
from harness.workload import Workload

if TYPE_CHECKING:
    import torch

Make = Callable[["list[torch.nn.Parameter]", dict[str, Any]], "torch.optim.Optimizer"]


def adamw(
    parameters: list[torch.nn.Parameter], settings: dict[str, Any], **how: Any
) -> torch.optim.Optimizer:
    import torch

    return torch.optim.AdamW(parameters, **settings, **how)


def adamw_8bit(parameters: list[torch.nn.Parameter], settings: dict[str, Any]) -> torch.optim.Optimizer:
    """Moments in 8 bits, by blocks of 256; those of tensors under 4096 elements stay in 32."""
    import bitsandbytes.optim as optim

    eight: Any = optim
    found: torch.optim.Optimizer = eight.AdamW8bit(parameters, **settings)
    return found


def adafactor(parameters: list[torch.nn.Parameter], settings: dict[str, Any]) -> torch.optim.Optimizer:
    """Second moments as one row and one column, no first ones (Shazeer and Stern 2018).

    With the defaults of torch, which are the paper's: its rate, at most 0.01, is that of a step relative to
    the size of what it changes, so AdamW's would be far too slow.
    """
    import torch

    return torch.optim.Adafactor(parameters)


def like(
    usual: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer],
    make: Make,
    parameters: Iterable[torch.nn.Parameter],
) -> torch.optim.Optimizer:
    """Made by `make` with what `usual` would have: its settings, and its schedule, which hooks follow.

    A schedule sets the rate that `usual` has; one that `make` has chosen itself is as far below its peak.
    """
    chosen = list(parameters)
    known = usual(chosen)
    settings = {name: known.defaults[name] for name in ("lr", "betas", "eps", "weight_decay")}
    made = make(chosen, settings)
    for hook in known._optimizer_step_pre_hooks.values():
        made.register_step_pre_hook(hook)
    own = made.defaults["lr"] / settings["lr"]
    if known._optimizer_step_pre_hooks and own != 1:
        made.register_step_pre_hook(partial(scale, by=own))  # Hooks run in the order they came in.
    return made


def scale(optimizer: torch.optim.Optimizer, *_: Any, by: float) -> None:
    """What the schedule has just set, times `by`."""
    for group in optimizer.param_groups:
        group["lr"] *= by


def variant(make: Make, says: str, **more: Any) -> Variant:
    def apply(workload: Workload) -> Workload:
        return replace(workload, make_optimizer=partial(like, workload.make_optimizer, make))

    return Variant(apply=apply, says=says, **more)


TECHNIQUE = Technique(
    name="optimizer",
    family="kernels",
    says="AdamW in fewer kernels, or with a smaller state",
    stage="optimizer",
    phases=("train",),
    baseline="loop",
    variants={
        "loop": variant(partial(adamw, foreach=False, fused=False), "AdamW, one parameter after the other"),
        "foreach": variant(partial(adamw, foreach=True), "AdamW, each operation over all parameters at once"),
        "fused": variant(partial(adamw, fused=True), "AdamW, all operations in one kernel"),
        "8-bit": variant(
            adamw_8bit,
            "AdamW of bitsandbytes, moments in 8 bits",
            needs=("bitsandbytes>=0.45",),
            tolerance=0.01,
        ),
        "adafactor": variant(adafactor, "Adafactor: other updates, second moments factored", tolerance=None),
    },
    tags=("memory",),
)
