"""Gradient accumulation: a batch in several smaller ones, whose gradients add up before one update.

Two sources contradict each other on its speed because they compare it with different things: with the large
batch it stands for, and with training on the small batch, an update each. Both are variants here, over the
same samples, so that a step holds as many in all of them.
"""

from functools import partial

from harness.jobs.accumulation import AccumulationJob
from harness.technique import Technique, Variant
from harness.workload import Workload


def cut(parts: int, each: bool, workload: Workload) -> Workload:
    return workload.with_job(partial(AccumulationJob, parts=parts, each=each))


def accumulated(parts: int) -> Variant:
    return Variant(
        apply=partial(cut, parts, False), says=f"{parts} parts, whose gradients add up", tolerance=1e-5
    )


def updated(parts: int) -> Variant:
    return Variant(
        apply=partial(cut, parts, True),
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
