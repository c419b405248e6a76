"""How a model's weights are set to zero, or left out: edits of a model, and one that goes on in training.

Each takes a model and gives it back changed in place. Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported
from harness.update import After

if TYPE_CHECKING:
    import torch

#: The source's share of weights that go.
SHARE = 0.5
#: Updates until the gradual way has pruned its share.
GRADUAL_STEPS = 100


def zeros(model: torch.nn.Module) -> dict[str, float | str]:
    """The share of weights that are zero, those that are left out of compressed ones among them."""
    from harness import sparsity

    weights = [sparsity.dense(weight.detach()) for weight in model.parameters()]
    found = sum(int((weight == 0).sum()) for weight in weights)
    return {"share of zeros": found / sum(weight.numel() for weight in weights)}


def linears(model: torch.nn.Module) -> Iterator[Any]:
    import torch

    return (module for module in model.modules() if isinstance(module, torch.nn.Linear))


def unstructured(model: torch.nn.Module) -> torch.nn.Module:
    """The half of each linear layer's weights that are smallest are zero, as the source writes it."""
    from torch.nn.utils import prune

    for module in linears(model):
        prune.l1_unstructured(module, name="weight", amount=SHARE)  # type: ignore[no-untyped-call]
        prune.remove(module, "weight")  # type: ignore[no-untyped-call]
    return model


def two_of_four(model: torch.nn.Module) -> torch.nn.Module:
    """Two of every four weights in a row are zero, in a dense matrix; rows that fours do not divide stay."""
    from harness import sparsity

    for module in linears(model):
        if module.weight.shape[1] % 4 == 0:
            sparsity.halve(module.weight.data)
    return model


def fp16(model: torch.nn.Module) -> torch.nn.Module:
    return model.half()


def sparse(model: torch.nn.Module) -> torch.nn.Module:
    """Two of every four are left out, in fp16. Raises Unsupported as ``sparsity.compress`` does."""
    from harness import sparsity

    sparsity.compress(list(linears(model.half())))
    return model


def structured(model: torch.nn.Module) -> torch.nn.Module:
    """Half of the hidden units of each feed-forward layer, those with the smallest weights, are cut out.

    Raises Unsupported for a model without layers ``fc1`` and ``fc2``.
    """
    found = [module for module in model.modules() if hasattr(module, "fc1") and hasattr(module, "fc2")]
    if not found:
        raise Unsupported("finds no feed-forward layers fc1 and fc2 to cut units out of")
    for module in found:
        narrow(module.fc1, module.fc2)
    return model


def narrow(first: Any, second: Any) -> None:
    """The Linear `first` with fewer units, and `second`, which reads them, without what they gave."""
    import torch

    norms = first.weight.detach().abs().sum(1)
    kept = norms.topk(len(norms) - int(SHARE * len(norms))).indices.sort().values
    for layer, name, axis in ((first, "weight", 0), (first, "bias", 0), (second, "weight", 1)):
        tensor = getattr(layer, name).detach().index_select(axis, kept)
        setattr(layer, name, torch.nn.Parameter(tensor))
    first.out_features = second.in_features = len(kept)


def gradual() -> After:
    """Zeros come after each update, fast at first (Zhu and Gupta 2017), and stay zero."""
    taken = 0

    def after(optimizer: torch.optim.Optimizer) -> None:
        nonlocal taken
        taken += 1
        thin(optimizer, SHARE * (1 - (1 - min(1.0, taken / GRADUAL_STEPS)) ** 3))

    return after


def thin(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Sets that share of each matrix to zero, the smallest first."""
    for weight in (one.data for group in optimizer.param_groups for one in group["params"] if one.ndim == 2):
        count = int(share * weight.numel())
        if count:
            weight.view(-1)[weight.abs().view(-1).topk(count, largest=False).indices] = 0.0
