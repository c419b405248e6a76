"""Models of transformers, from a config and the current seed: no hub, no downloads, nothing printed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def built(
    architecture: Callable[..., Any], config: Callable[..., Any], device: str, **settings: Any
) -> torch.nn.Module:
    """The model with fresh weights, made on its device: billions of them would take minutes on the host."""
    import torch

    # On the host no device is set, so that a caller's `with torch.device("meta")` holds.
    with nullcontext() if device == "cpu" else torch.device(device):
        model: torch.nn.Module = architecture(config(**settings))
    return model
