"""ResNet: residual convolutions with batch normalization (He et al. 2015), classifying images.

``base`` is ResNet-50 (25.6 M parameters) at 224 pixels, ``large`` ResNet-152 (60.2 M). `layers` is the depth
by which the family is known; `width` that of the stem, 64 in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.models import _vision
from harness.models._sizes import one_of, settled, table
from harness.models._transformers import built
from harness.workload import Batch, Workload

if TYPE_CHECKING:
    import torch

#: Depth: the blocks of its four stages, and whether those are bottlenecks, four times as wide.
DEPTHS = {
    10: ([1, 1, 1, 1], False),
    18: ([2, 2, 2, 2], False),
    34: ([3, 4, 6, 3], False),
    50: ([3, 4, 6, 3], True),
    101: ([3, 4, 23, 3], True),
    152: ([3, 8, 36, 3], True),
}

SIZES = table(
    ("batch", "resolution", "layers", "width", "classes", "images"),
    tiny=(2, 64, 10, 8, 10, "digits"),
    small=(16, 64, 18, 32, 10, "digits"),
    base=(32, 224, 50, 64, 1000, "digits"),
    large=(64, 224, 152, 64, 1000, "digits"),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, resolution in pixels, layers, width, images.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("resnet", SIZES, phase=phase, size=size, **given)
    one_of("resnet", "layers", parameters["layers"], tuple(DEPTHS))
    _vision.check("resnet", parameters)
    network = partial(convolutions, parameters, device)
    batches = partial(_vision.batches, parameters, seed)
    return Workload(
        model="resnet",
        phase=phase,
        samples=parameters["batch"],
        make_model=network if phase == "train" else lambda: calibrated(network(), batches()[0]),
        make_batches=batches,
        forward=_vision.loss if phase == "train" else _vision.logits,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def convolutions(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """The ResNet of that depth."""
    from transformers.models.resnet import ResNetConfig, ResNetForImageClassification

    depths, bottleneck = DEPTHS[parameters["layers"]]
    widest = parameters["width"] * (4 if bottleneck else 1)
    made = built(
        ResNetForImageClassification,
        ResNetConfig,
        device,
        embedding_size=parameters["width"],
        hidden_sizes=[widest * 2**stage for stage in range(4)],
        depths=depths,
        layer_type="bottleneck" if bottleneck else "basic",
        num_labels=parameters["classes"],
        problem_type="single_label_classification",
    )
    return smooth(made)


def smooth(model: torch.nn.Module) -> torch.nn.Module:
    """The model with nearly all that its ReLUs are given above their kink, at a mean of 3 deviations.

    A normalization leaves values around 0: of the 400 000 of a small step one or two lie within rounding of
    it, and each that falls on the other side moves the gradients of all layers before by up to a fortieth,
    whichever arithmetic it was. So rounding could not be told from an error. What a block adds is small, as
    Goyal et al. (2017, section 5.1) begin with none: the mean stays what it is through 50 blocks.
    """
    import torch

    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    blocks: list[Any] = [module for module in model.modules() if hasattr(module, "shortcut")]
    for norm in norms:
        torch.nn.init.constant_(norm.bias, 3.0)
    for block in blocks:
        torch.nn.init.constant_(block.layer[-1].normalization.weight, 0.2)
        torch.nn.init.zeros_(block.layer[-1].normalization.bias)
    return model


def calibrated(model: torch.nn.Module, batch: Batch) -> torch.nn.Module:
    """The model with the statistics of `batch` in its batch normalizations, as training leaves some there.

    Without any, each block doubles the variance, and 50 of them leave the range of fp16.
    """
    import torch

    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        _vision.logits(
            model.train(), {"pixel_values": batch["pixel_values"].to(next(model.parameters()).device)}
        )
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    return model
