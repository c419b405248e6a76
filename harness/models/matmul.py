"""One product of two square matrices, which is what precision changes, without a model around it.

``base`` is the product that PyTorch's notes on CUDA time in TF32: 10,240 by 10,240, of a normal distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.models import _batches
from harness.models._sizes import settled, table
from harness.workload import Batch, Workload

if TYPE_CHECKING:
    import torch

SIZES = table(("width",), tiny=(32,), small=(512,), base=(10240,), large=(16384,))


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: width. A step is one product, and so is a sample.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("matmul", SIZES, phase=phase, size=size, phases=("kernel",), **given)
    return Workload(
        model="matmul",
        phase=phase,
        samples=1,
        make_model=partial(right, parameters),
        make_batches=partial(lefts, parameters, seed),
        forward=product,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def right(parameters: Mapping[str, Any]) -> torch.nn.Module:
    """The right-hand matrix, [width, width], as the weight of a layer without bias."""
    import torch

    width = parameters["width"]
    layer = torch.nn.Linear(width, width, bias=False)
    torch.nn.init.normal_(layer.weight)
    return layer


def lefts(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Left-hand matrices, [width, width] each."""
    import torch

    width, drawn = parameters["width"], torch.Generator().manual_seed(seed)
    return _batches.cut(width, left=torch.randn(_batches.COUNT * width, width, generator=drawn))


def product(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[width, width]"""
    found: torch.Tensor = model(batch["left"])
    return found
