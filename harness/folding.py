"""Normalizations folded into the layers beside them, for inference: edits of a model, in place.

A Linear of g x + b is one of x with other weights: W (g x + b) + c = (W g) x + (W b + c). So a LayerNorm
keeps only its normalizing, and a batch normalization behind a convolution is gone. An edit raises Unsupported
for a model that it finds nothing to fold in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported

if TYPE_CHECKING:
    import torch

#: By the name of a normalization, the layers beside it that alone read what it gives: GPT-2's and ViT's.
READERS = {
    "ln_1": ("attn.c_attn",),
    "ln_2": ("mlp.c_fc",),
    "layernorm_before": (
        *("attention.q_proj", "attention.k_proj", "attention.v_proj"),
        *("attention.attention.query", "attention.attention.key", "attention.attention.value"),
    ),
    "layernorm_after": ("mlp.fc1", "intermediate.dense"),
}


def norms(model: torch.nn.Module) -> Iterator[tuple[torch.nn.LayerNorm, list[Any]]]:
    """Each LayerNorm that can be folded, with the layers that read it."""
    import torch

    for parent in model.modules():
        named = dict(parent.named_modules())
        for name, readers in READERS.items():
            norm = parent._modules.get(name)
            found = [named[reader] for reader in readers if reader in named]
            if isinstance(norm, torch.nn.LayerNorm) and found:
                yield norm, found


def layer_norm_linear(model: torch.nn.Module) -> torch.nn.Module:
    """Raises Unsupported for a model whose normalizations are read by others too, as BERT's are."""
    pairs = list(norms(model))
    if not pairs:
        raise Unsupported(f"{type(model).__name__} has no LayerNorm that only Linear layers read")
    for norm, readers in pairs:
        for reader in readers:
            fold(norm, reader)
        norm.weight = norm.bias = None  # type: ignore[assignment]
    return model


def fold(norm: torch.nn.LayerNorm, reader: Any) -> None:
    """The factors of `norm` into `reader`: a Linear, or GPT-2's, whose weight is turned."""
    import torch

    with torch.no_grad():
        weight = reader.weight if isinstance(reader, torch.nn.Linear) else reader.weight.T
        shift = weight @ norm.bias
        weight.mul_(norm.weight)
        bias = shift if reader.bias is None else reader.bias + shift
        reader.bias = torch.nn.Parameter(bias)


def conv_batch_norm(model: torch.nn.Module) -> torch.nn.Module:
    """Each batch normalization into the convolution that stands before it in the same block."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    found = 0
    for parent in model.modules():
        previous = ""
        for name, child in list(parent.named_children()):
            before = parent._modules.get(previous)
            if isinstance(child, torch.nn.BatchNorm2d) and isinstance(before, torch.nn.Conv2d):
                parent._modules[previous] = fuse_conv_bn_eval(before, child)
                parent._modules[name] = torch.nn.Identity()
                found += 1
            previous = name
    if not found:
        raise Unsupported(f"{type(model).__name__} has no batch normalization behind a convolution")
    return model
