"""Gradient accumulation: a batch in several smaller ones, whose gradients add up before one update.

Two sources contradict each other on its speed because they compare it with different things: with the large
batch it stands for, and with training on the small batch, an update each. Both are variants here, over the
same samples, so that a step holds as many in all of them.

Of models whose samples do not know each other: batch normalization takes its statistics of each part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Batch, ModelJob, Workload

if TYPE_CHECKING:
    import torch


class AccumulationJob(ModelJob):
    """``options["parts"]``: into how many a batch is cut. With ``options["update"]`` of "each" every part has
    an update of its own, as a training with small batches does; with "last" their gradients add up to those
    of the whole batch, each part weighed by its share of the samples, and the update is one.
    """

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self._parts: int = workload.options["parts"]
        self._each: bool = workload.options["update"] == "each"
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


def cut(parts: int, update: str, workload: Workload) -> Workload:
    """Raises Unsupported for a job that takes its steps in a way of its own."""
    if workload.make_job is not None:
        raise Unsupported(f"{workload.model} takes its steps in its own way, which cannot be cut into parts")
    return replace(workload.with_options(parts=parts, update=update), make_job=AccumulationJob)


def accumulated(parts: int) -> Variant:
    return Variant(
        apply=partial(cut, parts, "last"), says=f"{parts} parts, whose gradients add up", tolerance=1e-5
    )


def updated(parts: int) -> Variant:
    return Variant(
        apply=partial(cut, parts, "each"),
        says=f"{parts} small batches of the same samples, an update after each",
        tolerance=None,
    )


TECHNIQUE = Technique(
    name="accumulation",
    says="gradients of several small batches add up before one update",
    stage="batch",
    phases=("train",),
    family="batch",
    baseline="whole",
    variants={
        "whole": Variant(says="the whole batch at once"),
        "accumulate-2": accumulated(2),
        "accumulate-4": accumulated(4),
        "update-each-2": updated(2),
        "update-each-4": updated(4),
    },
)
