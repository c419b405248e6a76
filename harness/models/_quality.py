"""Where training arrives: the figures by which techniques that change results are judged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.workload import Job

#: Steps over which the final loss is averaged: one batch's loss says little.
LAST = 20


def final_loss(job: Job, steps: int) -> dict[str, Any]:
    """Takes `steps` steps: {metric, value: the mean loss of the last 20, finite, curve: the loss of each}."""
    curve = [float(job.step()) for _ in range(steps)]
    return result("final loss", sum(curve[-LAST:]) / len(curve[-LAST:]), curve)


def result(metric: str, value: float, curve: list[float]) -> dict[str, Any]:
    """The record's ``quality``. What is not a finite number is null, as JSON has no other word for it."""
    finite = all(map(math.isfinite, [value, *curve]))
    return {
        "metric": metric,
        "value": value if math.isfinite(value) else None,
        "finite": finite,
        "curve": [loss if math.isfinite(loss) else None for loss in curve],
    }
