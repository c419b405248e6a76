"""A pipeline over trajectories: images through a frozen extractor, its embeddings into an autoencoder.

For each image the extractor, a ViT, gives 16 layers x 7 x 7 positions x 128 dimensions; each position's
trajectory through the layers is a sample for a small autoencoder (128 hidden units, 64 latent), trained with
Adam. ``base`` has the width and the patches of ViT-B/32, ``large`` those of ViT-L/32, both with 16 layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import BadInput
from harness.models import _batches
from harness.models._language import heads
from harness.models._sizes import multiple, one_of, settled, table
from harness.workload import Batch, Job, Workload

if TYPE_CHECKING:
    import torch

#: `images` is the size of the data set, `spatial` the positions along a side of the feature map.
SIZES = table(
    (
        "images",
        "batch",
        "epochs",
        "adapt",
        "vae",
        "spatial",
        "resolution",
        "width",
        "head",
        "hidden",
        "latent",
    ),
    tiny=(12, 2, 1, "none", False, 7, 28, 32, 16, 128, 64),
    small=(192, 16, 1, "none", False, 7, 56, 128, 32, 128, 64),
    base=(1000, 64, 1, "none", False, 7, 224, 768, 64, 128, 64),
    large=(4000, 128, 1, "none", False, 7, 224, 1024, 64, 128, 64),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: images, batch, epochs, adapt, vae, spatial, width and so on.

    A step is a run over all `images`, `epochs` times. ``adapt="lora"`` trains low-rank adapters of a frozen
    autoencoder in its place. Raises BadInput for a phase, size, parameter or value that there is not.
    """
    if phase != "train":
        raise BadInput(f"trajectory has only the phase train, not {phase!r}")
    parameters = settled("trajectory", SIZES, phase=phase, size=size, **given)
    one_of("trajectory", "adapt", parameters["adapt"], ("none", "lora"))
    one_of("trajectory", "spatial", parameters["spatial"], (7, 14))
    multiple(
        "trajectory",
        "resolution",
        parameters["resolution"],
        parameters["spatial"],
        "the positions along a side",
    )
    heads("trajectory", parameters)
    return Workload(
        model="trajectory",
        phase=phase,
        samples=parameters["images"] * parameters["epochs"],
        make_model=partial(autoencoder, parameters),
        make_batches=partial(batches, parameters, seed),
        forward=loss,
        make_optimizer=adam,
        make_job=job,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def batches(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Batches of [batch, 1, resolution, resolution]: digits, grey as they are; the last may hold fewer."""
    from harness.data import images

    pixels, _ = images.digits(parameters["images"], parameters["resolution"], seed, channels=1)
    return _batches.cut(parameters["batch"], images=pixels)


def adam(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    import torch

    return torch.optim.Adam(parameters, lr=1e-3)


def autoencoder(parameters: Mapping[str, Any]) -> torch.nn.Module:
    from harness.models import _trajectory_nets as nets

    return nets.autoencoder(parameters)


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    from harness.models import _trajectory_nets as nets

    return nets.loss(model, batch)


def job(workload: Workload) -> Job:
    from harness.models._trajectory_job import TrajectoryJob

    return TrajectoryJob(workload)
