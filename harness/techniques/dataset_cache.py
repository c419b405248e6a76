"""Data set in memory: every file is decoded once, before the first epoch, and not anew in each."""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def source(name: str, workload: Workload) -> Workload:
    return workload.with_options(source=name)


TECHNIQUE = Technique(
    name="dataset-cache",
    family="caching",
    says="a small data set decoded once and held in memory",
    stage="dataset",
    phases=("load", "train"),
    baseline="decoded",
    variants={
        "decoded": Variant(apply=partial(source, "decode"), says="every file decoded in every epoch"),
        "in-memory": Variant(
            apply=partial(source, "memory"), says="decoded before the first epoch, then kept", tolerance=1e-5
        ),
    },
)
