"""Where training arrives: short runs to the end, and the figures by which lossy techniques are judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from harness.workload import Batch, Job, ModelJob

#: Steps over which the final loss is averaged: one batch's loss says little.
LAST = 20
#: The share of a run in which the learning rate rises.
WARM_UP = 0.1


def annealed(parameters: Iterable[torch.nn.Parameter], steps: int, peak: float) -> torch.optim.Optimizer:
    """AdamW whose learning rate rises to `peak` and then falls to zero over `steps`.

    At a constant rate where a run ends is partly luck: from the same seed, rounding alone moved it by up
    to 3 percent; so, by 0.2 percent.
    """
    import torch

    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.95))
    taken = 0

    def follow(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        nonlocal taken
        for group in optimizer.param_groups:
            group["lr"] = peak * _share(taken / steps)
        taken += 1

    optimizer.register_step_pre_hook(follow)
    return optimizer


def _share(done: float) -> float:
    """The part of the peak rate that holds when the share `done` of a run is over."""
    return max(0.0, min((done + 0.005) / WARM_UP, (1 - done) / (1 - WARM_UP)))


def final_loss(job: Job, steps: int) -> dict[str, Any]:
    """Takes `steps` steps: {metric, value: the mean loss of the last 20, finite, curve: the loss of each}."""
    curve = [float(job.step()) for _ in range(steps)]
    return result("final loss", sum(curve[-LAST:]) / len(curve[-LAST:]), curve)


def epochs(job: ModelJob) -> list[float]:
    """Trains for the epochs that the model's parameters ask for: the loss of each step."""
    return [float(job.step()) for _ in range(job.workload.parameters["epochs"] * len(job.batches))]


def classified(
    job: ModelJob,
    tested: Sequence[Batch],
    logits: Callable[[torch.nn.Module, Batch], torch.Tensor],
    curve: list[float],
) -> dict[str, Any]:
    """1 / accuracy on the test set: lower is better, and it rises by as much as accuracy falls."""
    accuracy = _accuracy(job, tested, logits)
    return {**result("1 / accuracy", 1 / accuracy if accuracy else math.inf, curve), "accuracy": accuracy}


def _accuracy(
    job: ModelJob, tested: Sequence[Batch], logits: Callable[[torch.nn.Module, Batch], torch.Tensor]
) -> float:
    """The share of the test set whose label the model gives, under the technique's context."""
    import torch

    device, training = job.workload.device, job.model.training
    job.model.eval()
    right = 0
    for batch in tested:
        given = {name: values.to(device) for name, values in batch.items()}
        with torch.inference_mode(), job.workload.context():
            answers = logits(job.model, given).argmax(1)
        right += int((answers == given["labels"]).sum())
    job.model.train(training)
    return right / sum(len(batch["labels"]) for batch in tested)


def result(metric: str, value: float, curve: list[float]) -> dict[str, Any]:
    """The record's ``quality``. What is not a finite number is null, as JSON has no other word for it."""
    return {
        "metric": metric,
        "value": value if math.isfinite(value) else None,
        "finite": all(map(math.isfinite, [value, *curve])),
        "curve": [loss if math.isfinite(loss) else None for loss in curve],
    }
