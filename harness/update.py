"""The update of a training step: backward, the optimizer's step, and what techniques do after it.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

After = Callable[["torch.optim.Optimizer"], None]


class Update(Protocol):
    def __call__(self, loss: torch.Tensor, optimizer: torch.optim.Optimizer, step: bool = True) -> None:
        """After the forward pass: backward, then the optimizer's step; without `step` gradients add up."""


def plain_update(loss: torch.Tensor, optimizer: torch.optim.Optimizer, step: bool = True) -> None:
    loss.backward()  # type: ignore[no-untyped-call]
    if step:
        optimizer.step()


def followed(update: Update, after: Sequence[After]) -> Update:
    """`update`, and `after` it what is to be done where it has taken the optimizer's step."""

    def both(loss: torch.Tensor, optimizer: torch.optim.Optimizer, step: bool = True) -> None:
        update(loss, optimizer, step=step)
        for each in after if step else ():
            each(optimizer)

    return both if after else update


def adamw(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    import torch

    return torch.optim.AdamW(parameters, lr=1e-3)
