"""A multilayer perceptron: linear layers with a ReLU between each two, fitted to random targets by SGD.

``base`` is the network of PyTorch's recipe for automatic mixed precision: 3 layers, 4096 wide, batches of
512, the mean squared error, and SGD at a rate of 1e-3 (recipes_source/recipes/amp_recipe.py in
pytorch/tutorials). Its data is noise there as well: nothing can be learned but the batches themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.models import _batches
from harness.models._sizes import settled, table
from harness.workload import Batch, Workload

if TYPE_CHECKING:
    import torch

SIZES = table(
    ("batch", "layers", "width"),
    tiny=(4, 3, 32),
    small=(64, 3, 512),
    base=(512, 3, 4096),
    large=(512, 3, 16384),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, layers, width.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("mlp", SIZES, phase=phase, size=size, **given)
    return Workload(
        model="mlp",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(perceptron, parameters),
        make_batches=partial(batches, parameters, seed),
        forward=loss if phase == "train" else outputs,
        make_optimizer=sgd,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def perceptron(parameters: Mapping[str, Any]) -> torch.nn.Module:
    from torch import nn

    width = parameters["width"]
    layers: list[nn.Module] = []
    for _ in range(parameters["layers"]):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def batches(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Batches of [batch, width] inputs and [batch, width] targets, both of a normal distribution."""
    import torch

    shape = (_batches.COUNT * parameters["batch"], parameters["width"])
    drawn = torch.Generator().manual_seed(seed)
    inputs, targets = (torch.randn(shape, generator=drawn) for _ in range(2))
    return _batches.cut(parameters["batch"], inputs=inputs, targets=targets)


def outputs(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, width]"""
    found: torch.Tensor = model(batch["inputs"])
    return found


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean squared error."""
    import torch

    return torch.nn.functional.mse_loss(outputs(model, batch), batch["targets"])


def sgd(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    import torch

    return torch.optim.SGD(parameters, lr=1e-3)
