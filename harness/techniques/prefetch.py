"""Prefetching: how many batches each of the loader's workers has ready before they are asked for."""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload

WORKERS = 2


def ahead(batches: int, workload: Workload) -> Workload:
    return workload.with_options(workers=WORKERS, prefetch=batches)


def _variant(batches: int) -> Variant:
    return Variant(
        apply=partial(ahead, batches),
        says=f"prefetch_factor={batches}, {WORKERS} workers",
        tolerance=1e-6,
    )


TECHNIQUE = Technique(
    name="prefetch",
    family="data-loading",
    says="batches that each worker holds ready (prefetch_factor)",
    stage="loading",
    phases=("load",),
    baseline="prefetch-1",
    variants={f"prefetch-{count}": _variant(count) for count in (1, 2, 4, 8)},
)
