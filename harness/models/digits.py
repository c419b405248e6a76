"""A small vision transformer that reads handwritten digits: for what techniques do to quality.

The task is real and is learned in seconds: 1437 digits to train on, 360 to be judged by, always the same.
``infer`` starts from a model that has been trained, so that what a lossy technique loses can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.data import images
from harness.errors import BadInput
from harness.models import _batches, _vision
from harness.models._language import heads
from harness.models._quality import annealed, classified, epochs
from harness.models._sizes import multiple, settled, table
from harness.models._trained import trained
from harness.models.vit import transformer
from harness.workload import Batch, Job, ModelJob, Workload

SIZES = table(
    ("batch", "resolution", "patch", "layers", "width", "head", "classes", "channels", "epochs"),
    tiny=(32, 8, 4, 1, 16, 16, 10, 1, 1),
    small=(64, 8, 4, 2, 64, 16, 10, 1, 12),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, resolution, patch, layers, width, epochs.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("digits", SIZES, phase=phase, size=size, **given)
    heads("digits", parameters)
    multiple("digits", "resolution", parameters["resolution"], parameters["patch"], "the side of a patch")
    if parameters["batch"] > images.TRAINED:
        raise BadInput(f"batch of digits must be at most {images.TRAINED}, which is an epoch")
    steps = parameters["epochs"] * (images.TRAINED // parameters["batch"])
    train = Workload(
        model="digits",
        phase="train",
        samples=parameters["batch"],
        make_model=partial(transformer, parameters, device),
        make_batches=partial(batches, parameters, seed),
        forward=_vision.loss,
        device=device,
        seed=seed,
        parameters=parameters,
        quality=train_then_judge,
        make_optimizer=partial(annealed, steps=steps, peak=3e-3),
    )
    if phase == "train":
        return train
    infer = partial(trained, train)
    return replace(train, phase="infer", make_model=infer, forward=_vision.logits, quality=judged)


def batches(parameters: Mapping[str, Any], seed: int, test: bool = False) -> list[Batch]:
    """One epoch, in an order of `seed`; or the test set. An epoch leaves out what does not fill a batch."""
    import numpy as np
    import torch

    scans, labels = images.scans()
    chosen = images.split()[test]
    if not test:
        chosen = np.random.default_rng(seed).permutation(chosen)
    pixels = images.scaled(scans[chosen], parameters["resolution"], parameters["channels"])
    size = parameters["batch"]
    every = _batches.cut(size, pixel_values=pixels, labels=torch.from_numpy(labels[chosen]))
    return every if test else every[: len(chosen) // size]


def train_then_judge(job: Job) -> dict[str, Any]:
    """Trains to the end as the technique has it, then judges."""
    assert isinstance(job, ModelJob)
    return _tested(job, epochs(job))


def judged(job: Job) -> dict[str, Any]:
    """Judges the model as it is."""
    assert isinstance(job, ModelJob)
    return _tested(job, [])


def _tested(job: ModelJob, curve: list[float]) -> dict[str, Any]:
    tested = batches(job.workload.parameters, job.workload.seed, test=True)
    return classified(job, tested, _vision.logits, curve)
