"""Adaptive batch: a batch that is too large is made smaller until it fits, after a real out-of-memory.

Memory is bounded for the search: on a host the data of this process, by its limit, on CUDA the share that the
allocator may take. Both bounds are lifted after it, and the step that is timed has the batch that was found.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from harness import limits
from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import ModelJob, Workload

#: The search begins at so many times the workload's batch, within so many bytes more than the process has.
TIMES = 64
BOUND = 256 << 20

Attempt = Callable[[int], int]
Search = Callable[[Attempt, int], int]


def halving(attempt: Attempt, start: int) -> int:
    """As guide 000 has it; but it does not catch the words in which the host's allocator says it."""
    size = start
    while size:
        try:
            return attempt(size)
        except RuntimeError as error:
            if not any(said in str(error).lower() for said in ("out of memory", "can't allocate memory")):
                raise
        # Behind the handler, which holds the failed step's frames and with them its tensors.
        size //= 2
        clean()
    raise Unsupported("not even one sample fits the bound")


def accelerate(attempt: Attempt, start: int) -> int:
    """The library's: it steps down to nine tenths and not to a half."""
    from accelerate.utils import find_executable_batch_size  # type: ignore[import-not-found,import-untyped,unused-ignore]

    def function(batch_size: int) -> int:
        return attempt(batch_size)

    return int(find_executable_batch_size(function, starting_batch_size=start)())


def clean() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


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


class AdaptiveJob(ModelJob):
    """The job of the batch that `search` found; `figures` say how."""

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
        self._figures = {
            "batch at the start": start,
            "batch found": found,
            "attempts": len(tried),
            "bytes left behind": left,
        }
        super().__init__(sized(workload, found))

    def figures(self) -> dict[str, float | str]:
        return dict(self._figures)


def take_step(workload: Workload) -> None:
    job = ModelJob(workload)
    try:
        job.step()
    finally:
        job.close()


def sized(workload: Workload, batch: int) -> Workload:
    """With the optimizer that a technique has set, which is there by the time that a job is built."""
    return replace(workload.again(batch=batch), make_optimizer=workload.make_optimizer)


def adapted(search: Search, workload: Workload) -> Workload:
    if workload.make_job is not None or "batch" not in workload.parameters:
        raise Unsupported(f"{workload.model} takes its steps in its own way")
    return replace(workload, make_job=partial(AdaptiveJob, search=search))


TECHNIQUE = Technique(
    name="adaptive-batch",
    says="a batch that is too large is made smaller until it fits",
    stage="batch",
    phases=("train",),
    family="batch",
    baseline="given",
    variants={
        "given": Variant(says="the workload's own batch"),
        "halving": Variant(
            apply=partial(adapted, halving), says="half of it, as the guide has it", tolerance=None
        ),
        "accelerate": Variant(
            apply=partial(adapted, accelerate),
            says="find_executable_batch_size, nine tenths of it",
            tolerance=None,
            needs=("accelerate>=1.0",),
        ),
    },
)
