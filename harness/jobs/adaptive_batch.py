"""The job of the largest batch that fits, found by trying: steps that run out of memory are survived.

Memory is bounded for the search: on a host the data of this process, by its limit, on CUDA the share that the
allocator may take. Both bounds are lifted after it, and the step that is timed has the batch that was found.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from harness import limits
from harness.workload import ModelJob, Workload

#: The search begins at so many times the workload's batch, within so many bytes more than the process has.
TIMES = 64
BOUND = 256 << 20

Attempt = Callable[[int], int]
"""Takes a step of that batch and gives it back, or raises as torch does where memory is out."""
Search = Callable[[Attempt, int], int]
"""From the batch to begin with to the one that fits."""


class AdaptiveJob(ModelJob):
    """The job of the batch that `search` found; `figures` say how.

    Raises Unsupported for a model without a batch.
    """

    def __init__(self, workload: Workload, search: Search) -> None:
        tried: list[int] = []

        def attempt(size: int) -> int:
            tried.append(size)
            take_step(sized(workload, size))
            return size

        start = TIMES * workload.samples
        take_step(sized(workload, workload.samples))  # What a first step imports is no part of the bound.
        before = live_bytes(workload.device)
        with bounded(workload.device):
            found = search(attempt, start)
            left = live_bytes(workload.device) - before
        self._found = {
            "batch at the start": start,
            "batch found": found,
            "attempts": len(tried),
            "bytes left behind": left,
        }
        super().__init__(sized(workload, found))

    def figures(self) -> dict[str, float | str]:
        return {**super().figures(), **self._found}


def sized(workload: Workload, batch: int) -> Workload:
    """With the optimizer that a technique has set, which is there by the time that a job is built."""
    return replace(workload.again(batch=batch), make_optimizer=workload.make_optimizer)


def take_step(workload: Workload) -> None:
    job = ModelJob(workload)
    try:
        job.step()
    finally:
        job.close()


def bounded(device: str) -> AbstractContextManager[None]:
    """At most BOUND bytes more than now, on CUDA 16 times as many; as before on exit."""
    return limits.device_bound(16 * BOUND) if device == "cuda" else limits.host_bound(BOUND)


def live_bytes(device: str) -> int:
    """Of all tensors that are alive in this process."""
    import torch

    clean()
    if device == "cuda":
        return int(torch.cuda.memory_allocated())
    found = [one for one in gc.get_objects() if type(one) in (torch.Tensor, torch.nn.Parameter)]
    return sum({one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in found}.values())


def clean() -> None:
    """What nobody holds any more is free, on CUDA for other sizes too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
