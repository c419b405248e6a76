"""Adaptive batch: a batch that is too large is made smaller until it fits, after a real out-of-memory.

What is compared are the ways down: each is a search, which the job goes through when it is built.
"""

from __future__ import annotations

from functools import partial

from harness.errors import Unsupported
from harness.jobs.adaptive_batch import AdaptiveJob, Attempt, Search, clean
from harness.technique import Technique, Variant
from harness.workload import Workload

#: In which the allocators of CUDA and of the host say it.
WORDS = ("out of memory", "can't allocate memory")


def halving(attempt: Attempt, start: int) -> int:
    """As guide 000 has it; but it does not catch the words in which the host's allocator says it."""
    size = start
    while size:
        try:
            return attempt(size)
        except RuntimeError as error:
            if not any(said in str(error).lower() for said in WORDS):
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


def adapted(search: Search, workload: Workload) -> Workload:
    return workload.with_job(partial(AdaptiveJob, search=search))


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
