"""Which layers of a model are checkpointed, and how: edits that wrap ``forward`` of layers, in place.

What is inside a checkpoint is dropped after the forward pass and computed again in the backward pass, with
the same random draws (Chen et al. 2016). All are non-reentrant, as torch recommends, and no parameter changes
its name. An edit raises Unsupported for a model without repeated layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported

if TYPE_CHECKING:
    import torch

#: What a selective checkpoint keeps: dear to compute, and few beside all the elementwise operations.
KEPT = (
    *("mm", "addmm", "bmm", "convolution", "_scaled_dot_product_flash_attention_for_cpu"),
    *("_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention"),
    "_scaled_dot_product_cudnn_attention",
)


def stacks(model: torch.nn.Module) -> list[list[torch.nn.Module]]:
    """The repeated layers: the items of each outermost ModuleList."""
    import torch

    if isinstance(model, torch.nn.ModuleList):
        return [list(model)]
    return [stack for child in model.children() for stack in stacks(child)]


def layers(model: torch.nn.Module) -> list[list[torch.nn.Module]]:
    found = stacks(model)
    if not found:
        raise Unsupported(f"{type(model).__name__} has no repeated layers, no ModuleList, to checkpoint")
    return found


def checkpointed(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    from torch.utils.checkpoint import checkpoint

    return partial(checkpoint, function, use_reentrant=False, **options)


def by_transformers(model: Any) -> Any:
    """With the library's own switch. Raises Unsupported for a model without it."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise Unsupported(
            f"{type(model).__name__} has no gradient checkpointing of its own; see variant torch"
        )
    # The first name is that of transformers 5, which warns of the second.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    return model


def each(model: torch.nn.Module, every: int = 1, **options: Any) -> torch.nn.Module:
    """Every n-th layer on its own, from the first."""
    for stack in layers(model):
        for layer in stack[::every]:
            layer.forward = checkpointed(layer.forward, **options)
    return model


def selective(model: torch.nn.Module) -> torch.nn.Module:
    import torch
    from torch.utils.checkpoint import create_selective_checkpoint_contexts

    kept = [getattr(torch.ops.aten, name).default for name in KEPT if hasattr(torch.ops.aten, name)]
    return each(model, context_fn=partial(create_selective_checkpoint_contexts, kept))


def segments(model: torch.nn.Module) -> torch.nn.Module:
    """Segments of sqrt(n) layers: held are their inputs and the insides of one of them (Chen et al. 2016)."""
    for stack in layers(model):
        size = round(math.sqrt(len(stack)))
        for start in range(0, len(stack), size):
            join(stack[start : start + size])
    return model


def join(segment: Sequence[torch.nn.Module]) -> None:
    """The first layer runs all of the segment as one checkpoint; the others hand on what they are given."""
    forwards = [layer.forward for layer in segment]

    def together(hidden: Any, *args: Any, **kwargs: Any) -> Any:
        for forward in forwards:
            hidden = forward(hidden, *args, **kwargs)
            if isinstance(hidden, tuple):
                raise Unsupported("needs layers that return one tensor: pip install 'transformers>=5'")
        return hidden

    segment[0].forward = checkpointed(together)
    for layer in segment[1:]:
        layer.forward = lambda hidden, *args, **kwargs: hidden
