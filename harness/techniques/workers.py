"""Loader workers: processes that load the next batches while this one computes."""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def loading(workers: int, workload: Workload) -> Workload:
    return workload.with_options(workers=workers)


def _variant(workers: int) -> Variant:
    """Training tells the bottleneck, for which two numbers do."""
    says = f"num_workers={workers}" if workers else "loaded in the process that computes"
    return Variant(
        apply=partial(loading, workers),
        says=says,
        tolerance=1e-6,
        phases=None if workers in (0, 2) else ("load",),
    )


TECHNIQUE = Technique(
    name="loader-workers",
    family="data-loading",
    says="batches loaded by processes of their own (num_workers)",
    stage="loading",
    phases=("load", "train"),
    baseline="workers-0",
    variants={f"workers-{count}": _variant(count) for count in (0, 1, 2, 4, 8, 16, 32)},
)
