"""2:4 sparsity: two of four weights in a row are zero, and sparse kernels skip them (Mishra et al. 2021).

Imports torch: only an edit of a model loads it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from harness.errors import Unsupported

#: What the kernels for 16 bits ask of a device, and of a weight the multiples of its rows and columns.
CAPABILITY, ROWS, COLUMNS = (8, 0), 32, 64


def halve(weight: torch.Tensor) -> torch.Tensor:
    """Sets the two smallest of every four in a row to zero, in place."""
    fours = weight.view(-1, 4)
    fours.scatter_(1, fours.abs().topk(2, dim=1, largest=False).indices, 0.0)
    return weight


def compress(layers: Sequence[nn.Linear]) -> None:
    """Leaves out two of every four weights; layers that the kernels do not divide stay as they are.

    Raises Unsupported if that is all of them, and for a device without such kernels.
    """
    found = torch.cuda.get_device_capability()
    if found < CAPABILITY:
        needed, has = (".".join(map(str, each)) for each in (CAPABILITY, found))
        raise Unsupported(f"2:4 kernels need compute capability {needed}, and this device has {has}")
    fitting = [one for one in layers if not (one.weight.shape[0] % ROWS or one.weight.shape[1] % COLUMNS)]
    if not fitting:
        raise Unsupported(f"no linear layer has rows in multiples of {ROWS} and columns of {COLUMNS}")
    for layer in fitting:
        # Cloned: an embedding may have the same weights.
        weight = compressed(halve(layer.weight.detach().clone()))
        layer.weight = nn.Parameter(weight, requires_grad=False)


def compressed(weight: torch.Tensor) -> torch.Tensor:
    """The values that are not zero, and where they were; for cuSPARSELt, or CUTLASS where that is missing."""
    library = "CUSPARSELT" if torch.backends.cusparselt.is_available() else "CUTLASS"
    kind: Any = getattr(torch.sparse, f"SparseSemiStructuredTensor{library}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # That it is a prototype.
        found: torch.Tensor = kind.from_dense(weight)
    return found


def dense(weight: torch.Tensor) -> torch.Tensor:
    """A compressed one with its zeros; any other as it is."""
    if not isinstance(weight, torch.sparse.SparseSemiStructuredTensor):
        return weight
    found: torch.Tensor = weight.to_dense()  # type: ignore[no-untyped-call]
    return found
