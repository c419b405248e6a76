"""What the image classifiers share: labelled images, as real digits or as seeded JPEGs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.data import images
from harness.models import _batches
from harness.models._sizes import one_of
from harness.workload import Batch

if TYPE_CHECKING:
    import torch


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the class."""
    found: torch.Tensor = model(pixel_values=batch["pixel_values"], labels=batch["labels"]).loss
    return found


def logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, classes]"""
    found: torch.Tensor = model(pixel_values=batch["pixel_values"]).logits
    return found


def check(model: str, parameters: Mapping[str, Any]) -> None:
    one_of(model, "images", parameters["images"], images.KINDS)


def batches(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Batches of [batch, 3, resolution, resolution] pixels and [batch] labels."""
    size = parameters["batch"]
    pixels, labels = _images(parameters["images"], _batches.COUNT * size, parameters["resolution"], seed)
    return _batches.cut(size, pixel_values=pixels, labels=labels)


def _images(kind: str, count: int, resolution: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    if kind == "digits":
        return images.digits(count, resolution, seed)
    files, labels = images.jpegs(count, resolution, seed)
    return images.decoded(files, resolution), torch.from_numpy(labels)
