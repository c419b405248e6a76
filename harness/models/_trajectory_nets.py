"""The two networks of the trajectory pipeline. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from harness.errors import Unsupported
from harness.models._language import heads
from harness.models._transformers import built
from harness.workload import Batch

#: What the source gives each image: so many layers and dimensions, at every position of the feature map.
LAYERS, DIMENSIONS = 16, 128
#: Weight of the divergence in a variational autoencoder's loss.
BETA = 1e-3
RANK = 8


class Extractor(nn.Module):
    """A ViT that shows what each of its 16 layers says of each position, in 128 dimensions."""

    def __init__(self, transformer: nn.Module, width: int) -> None:
        super().__init__()
        self.transformer = transformer
        self.project = nn.Identity() if width == DIMENSIONS else nn.Linear(width, DIMENSIONS, bias=False)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """From [n, 1, resolution, resolution] to 16 x [n, positions, 128]."""
        pixels = images.expand(-1, 3, -1, -1)
        states = self.transformer(pixel_values=pixels, output_hidden_states=True).hidden_states
        # The first is what goes into the layers; the first position is the class token, which has no place.
        return [self.project(state[:, 1:]) for state in states[1:]]


def extractor(parameters: Mapping[str, Any], device: str) -> Extractor:
    """Frozen, with weights of the current seed."""
    from transformers.models.vit import ViTConfig, ViTModel

    transformer = built(
        partial(ViTModel, add_pooling_layer=False),
        ViTConfig,
        device,
        image_size=parameters["resolution"],
        patch_size=parameters["resolution"] // parameters["spatial"],
        hidden_size=parameters["width"],
        num_hidden_layers=LAYERS,
        num_attention_heads=heads("trajectory", parameters),
        intermediate_size=4 * parameters["width"],
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return Extractor(transformer, parameters["width"]).to(device).eval().requires_grad_(False)


def stack_trajectory(activations: Sequence[torch.Tensor]) -> torch.Tensor:
    """16 x [n, positions, 128] as the embeddings [n, positions, 16, 128]: a copy that owns its memory."""
    return torch.stack(list(activations), dim=2)


class Reconstruction(NamedTuple):
    trajectories: torch.Tensor
    mean: torch.Tensor | None = None
    log_variance: torch.Tensor | None = None


class Autoencoder(nn.Module):
    """A trajectory of 16 x 128 through the hidden units to the latent ones, and back."""

    def __init__(self, vae: bool = False, hidden: int = 128, latent: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(LAYERS * DIMENSIONS, hidden)
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent) if vae else None
        self.decode = nn.Sequential(
            nn.Linear(latent, hidden), nn.GELU(), nn.Linear(hidden, LAYERS * DIMENSIONS)
        )

    def forward(self, trajectories: torch.Tensor) -> Reconstruction:
        """[n, 16, 128] to the same shape."""
        hidden = nn.functional.gelu(self.hidden(trajectories.flatten(1)))
        mean = self.mean(hidden)
        if self.log_variance is None:
            return Reconstruction(self.decode(mean).view_as(trajectories))
        log_variance = self.log_variance(hidden)
        drawn = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return Reconstruction(self.decode(drawn).view_as(trajectories), mean, log_variance)


def autoencoder(parameters: Mapping[str, Any]) -> nn.Module:
    """The model that is trained; with ``adapt="lora"`` its weights are frozen and only adapters train."""
    model = Autoencoder(parameters["vae"], parameters["hidden"], parameters["latent"])
    return with_lora(model) if parameters["adapt"] == "lora" else model


def with_lora(model: nn.Module) -> nn.Module:
    """`model` with low-rank adapters on all its linear layers, in place. Raises Unsupported without peft."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise Unsupported("needs peft for LoRA: pip install 'peft>=0.17'") from None
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return inject_adapter_in_model(
        LoraConfig(r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules=linear), model
    )


def loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Mean squared error of the reconstruction; of a variational autoencoder also the divergence."""
    found: Reconstruction = model(batch["trajectories"])
    error = nn.functional.mse_loss(found.trajectories, batch["trajectories"])
    if found.mean is None or found.log_variance is None:
        return error
    divergence = found.mean.square() + found.log_variance.exp() - found.log_variance - 1
    return error + BETA * divergence.mean() / 2
