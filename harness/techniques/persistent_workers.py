"""Persistent workers: those of one epoch stay for the next, in place of being started again."""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload

WORKERS = 2


def staying(persistent: bool, workload: Workload) -> Workload:
    return workload.with_options(workers=WORKERS, persistent=persistent)


TECHNIQUE = Technique(
    name="persistent-workers",
    family="data-loading",
    says="workers that outlive an epoch (persistent_workers)",
    stage="loading",
    phases=("load",),
    baseline="restarted",
    variants={
        "restarted": Variant(
            apply=partial(staying, False), says=f"{WORKERS} workers, started for every epoch", tolerance=1e-6
        ),
        "persistent": Variant(
            apply=partial(staying, True), says=f"{WORKERS} workers, started once", tolerance=1e-6
        ),
    },
)
