"""Channels last: images as NHWC, the order in which convolution kernels read them."""

from typing import Any

from harness.technique import Technique, Variant
from harness.workload import Workload


def channels_last(workload: Workload) -> Workload:
    def edit(model: Any) -> Any:
        import torch

        return model.to(memory_format=torch.channels_last)

    return workload.edited(edit)


TECHNIQUE = Technique(
    name="channels-last",
    family="kernels",
    says="images in NHWC order",
    stage="memory-format",
    baseline="nchw",
    variants={
        "nchw": Variant(says="images in NCHW order, as torch makes them"),
        "nhwc": Variant(
            apply=channels_last, says="weights in NHWC; images follow", tolerance=1e-4, gradients=0.01
        ),
    },
)
