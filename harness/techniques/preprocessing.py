"""Preprocessing: pixels resized and scaled by batch on the device, or sample by sample on the host."""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def preprocessing(where: str, workload: Workload) -> Workload:
    return workload.with_options(preprocess=where)


TECHNIQUE = Technique(
    name="preprocessing",
    family="data-loading",
    says="resizing and scaling of pixels, by batch where the model is",
    stage="dataset",
    phases=("load",),
    baseline="per-sample",
    variants={
        "per-sample": Variant(
            apply=partial(preprocessing, "host"), says="resized by Pillow, sample by sample, on the host"
        ),
        # Pillow rounds to whole values between resizing and scaling: half of 1/255, measured 0.006.
        "by-batch": Variant(
            apply=partial(preprocessing, "device"),
            says="resized by torch, a batch at a time, on the device",
            tolerance=0.02,
        ),
    },
)
