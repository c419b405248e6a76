"""The job of a batch in parts: gradients that add up before one update, or an update after each part.

Of models whose samples do not know each other: batch normalization takes its statistics of each part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.workload import Batch, ModelJob, Workload

if TYPE_CHECKING:
    import torch


class AccumulationJob(ModelJob):
    """A step takes a batch in so many `parts`, or one for each sample if there are fewer.

    Their gradients add up to those of the whole batch, each part weighed by its share of the samples, and the
    update is one; with `each` every part has an update of its own, as a training with small batches does.
    """

    def __init__(self, workload: Workload, parts: int, each: bool) -> None:
        super().__init__(workload)
        self._parts, self._each = parts, each
        self.step = self._in_parts

    def _in_parts(self) -> torch.Tensor:
        assert self.optimizer is not None
        batch = self._next()
        parts = list(pieces(batch, self._parts))
        losses = []
        for number, part in enumerate(parts, 1):
            if self._each or number == 1:
                self.optimizer.zero_grad(set_to_none=True)
            share = _samples(part) / _samples(batch)
            with self.workload.context():
                loss = self._forward(self.model, part)
            self._update(
                loss if self._each else loss * share, self.optimizer, step=self._each or number == len(parts)
            )
            losses.append(loss.detach() * share)
        self.last = sum(losses[1:], losses[0])
        return self.last


def pieces(batch: Batch, parts: int) -> Iterator[Batch]:
    """Views of `batch` along the samples: as many as asked, or one for each sample if there are fewer."""
    chunks = {name: tensor.chunk(parts) for name, tensor in batch.items()}
    for number in range(len(next(iter(chunks.values())))):
        yield {name: those[number] for name, those in chunks.items()}


def _samples(batch: Batch) -> int:
    return len(next(iter(batch.values())))
