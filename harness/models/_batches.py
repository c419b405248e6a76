"""How a job's data is cut into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.workload import Batch

if TYPE_CHECKING:
    import torch

#: Different batches that a job holds in memory and takes in turn.
COUNT = 4


def cut(size: int, **tensors: torch.Tensor) -> list[Batch]:
    """Batches of `size`; the last may hold fewer. Copies: a view would keep all of the data alive."""
    total = len(next(iter(tensors.values())))
    return [
        {name: tensor[start : start + size].clone() for name, tensor in tensors.items()}
        for start in range(0, total, size)
    ]
