"""Wide ResNet: fewer and wider residual convolutions (Zagoruyko and Komodakis 2016), on small images.

WRN-28-10, the best of the paper, is ``base``: 28 layers, 10 times as wide as a ResNet for CIFAR (36.5 M).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import BadInput
from harness.models import _vision
from harness.models._sizes import settled, table
from harness.workload import Batch, Workload

if TYPE_CHECKING:
    import torch

#: `layers` are 6 n + 4; `widen` is by how much each is wider than 16, 32 and 64 channels.
SIZES = table(
    ("batch", "resolution", "layers", "widen", "classes", "images"),
    tiny=(8, 16, 10, 1, 10, "digits"),
    small=(4, 32, 16, 4, 10, "digits"),
    base=(128, 32, 28, 10, 10, "digits"),
    large=(512, 32, 28, 10, 10, "digits"),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, resolution in pixels, layers, widen, images.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("wide_resnet", SIZES, phase=phase, size=size, **given)
    if parameters["layers"] < 10 or (parameters["layers"] - 4) % 6:
        raise BadInput(f"layers of wide_resnet must be 6 n + 4, as 10, 16 or 28, not {parameters['layers']}")
    _vision.check("wide_resnet", parameters)
    return Workload(
        model="wide_resnet",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(network, parameters),
        make_batches=partial(_vision.batches, parameters, seed),
        forward=loss if phase == "train" else logits,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def network(parameters: Mapping[str, Any]) -> torch.nn.Module:
    from harness.models._wide_resnet_net import WideResNet

    return WideResNet(parameters["layers"], parameters["widen"], parameters["classes"])


def logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, classes]"""
    found: torch.Tensor = model(batch["pixel_values"])
    return found


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the class."""
    import torch

    return torch.nn.functional.cross_entropy(logits(model, batch), batch["labels"])
