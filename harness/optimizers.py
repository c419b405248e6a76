"""Optimizers to be used instead of a workload's own, and how one takes over its settings and its schedule.

torch and bitsandbytes are imported as an optimizer is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported

if TYPE_CHECKING:
    import torch

#: What an optimizer takes over from the workload's own.
SETTINGS = ("lr", "betas", "eps", "weight_decay")

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
    Raises Unsupported where `usual` is no kind of Adam.
    """
    chosen = list(parameters)
    known = usual(chosen)
    if missing := [name for name in SETTINGS if name not in known.defaults]:
        raise Unsupported(
            f"takes over settings of AdamW, which {type(known).__name__} lacks: {', '.join(missing)}"
        )
    settings = {name: known.defaults[name] for name in SETTINGS}
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
