"""What the decoders share: next-token loss on windows of real text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.data import text
from harness.models import _batches
from harness.models._sizes import multiple
from harness.workload import Batch

if TYPE_CHECKING:
    import torch


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the next token. The model itself shifts the labels."""
    found: torch.Tensor = model(input_ids=batch["input_ids"], labels=batch["input_ids"], use_cache=False).loss
    return found


def logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, length, vocab]"""
    found: torch.Tensor = model(input_ids=batch["input_ids"], use_cache=False).logits
    return found


def batches(parameters: Mapping[str, Any], seed: int, count: int = _batches.COUNT) -> list[Batch]:
    """`count` batches of [batch, length] token ids."""
    import torch

    size, length = parameters["batch"], parameters["length"]
    ids = text.windows(parameters["vocab"], count * size, length, seed)
    return _batches.cut(size, input_ids=torch.from_numpy(ids))


def heads(model: str, parameters: Mapping[str, Any]) -> int:
    """How many attention heads: as many as the width holds. Raises BadInput if it holds no whole number."""
    return multiple(model, "width", parameters["width"], parameters["head"], "the width of an attention head")
