"""ViT: a vision transformer (Dosovitskiy et al. 2020), classifying images.

``base`` is ViT-B/16 (86.6 M parameters) at 224 pixels, ``large`` ViT-L/16 (304 M).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.models import _vision
from harness.models._language import heads
from harness.models._sizes import multiple, settled, table
from harness.models._transformers import built
from harness.workload import Workload

if TYPE_CHECKING:
    import torch

SIZES = table(
    ("batch", "resolution", "patch", "layers", "width", "head", "classes", "images"),
    tiny=(2, 16, 8, 2, 32, 16, 10, "digits"),
    small=(8, 64, 8, 4, 192, 64, 10, "digits"),
    base=(32, 224, 16, 12, 768, 64, 1000, "digits"),
    large=(64, 224, 16, 24, 1024, 64, 1000, "digits"),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, resolution in pixels, patch, layers, width, images.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("vit", SIZES, phase=phase, size=size, **given)
    heads("vit", parameters)
    multiple("vit", "resolution", parameters["resolution"], parameters["patch"], "the side of a patch")
    _vision.check("vit", parameters)
    return Workload(
        model="vit",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(transformer, parameters, device),
        make_batches=partial(_vision.batches, parameters, seed),
        forward=_vision.loss if phase == "train" else _vision.logits,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def transformer(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """The ViT of that shape; `channels` is 3 unless said."""
    from transformers.models.vit import ViTConfig, ViTForImageClassification

    return built(
        ViTForImageClassification,
        ViTConfig,
        device,
        image_size=parameters["resolution"],
        patch_size=parameters["patch"],
        num_channels=parameters.get("channels", 3),
        hidden_size=parameters["width"],
        num_hidden_layers=parameters["layers"],
        num_attention_heads=heads("vit", parameters),
        intermediate_size=4 * parameters["width"],
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=parameters["classes"],
        problem_type="single_label_classification",
    )
