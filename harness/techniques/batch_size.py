"""Batch size: more samples in a step, against one at a time.

The samples of a step differ between the variants, so their speedup is of the time per sample, as everywhere
(see rows.Timing); the time of a step is the latency of a batch, which targets are held against. A batch that
does not fit is an outcome of its own.
"""

from __future__ import annotations

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload

SIZES = (1, 2, 4, 8, 16, 32, 64)
#: A device takes larger ones; on a host they only take longer.
DEVICE_SIZES = (128, 256, 512, 1024)


def batch(size: int, workload: Workload) -> Workload:
    return workload.again(batch=size)


def _variant(size: int) -> Variant:
    samples = "a sample" if size == 1 else f"{size} samples"
    devices = ("cuda",) if size in DEVICE_SIZES else None
    return Variant(apply=partial(batch, size), says=f"{samples} in a step", tolerance=None, devices=devices)


TECHNIQUE = Technique(
    name="batch-size",
    says="more samples in a step",
    stage="architecture",
    family="batch",
    baseline="1",
    variants={str(size): _variant(size) for size in (*SIZES, *DEVICE_SIZES)},
)
