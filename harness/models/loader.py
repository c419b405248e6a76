"""A data loader: real JPEGs decoded, or real text tokenized, for every batch; with or without a model behind.

A step is one epoch through torch's DataLoader. ``load`` hands each batch to its device, and to a small
vision transformer where ``consumer="vit"``; ``train`` trains that on each batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import BadInput
from harness.models import _vision
from harness.models._language import heads
from harness.models._sizes import multiple, one_of, settled, table
from harness.models.vit import transformer
from harness.workload import Job, Workload

if TYPE_CHECKING:
    import torch

PHASES = ("load", "train")
#: `samples` are those of an epoch, `file` the side of a JPEG, `resolution` the side that the model is given,
#: `length` the tokens that a text is cut or filled to.
SIZES = table(
    ("samples", "batch", "file", "resolution", "length", "patch", "layers", "width", "head", "classes"),
    tiny=(8, 2, 48, 16, 16, 8, 1, 32, 16, 10),
    small=(64, 16, 128, 64, 128, 16, 2, 64, 32, 10),
    base=(1024, 64, 256, 224, 512, 16, 12, 768, 64, 10),
    large=(4096, 128, 512, 224, 1024, 16, 24, 1024, 64, 10),
)


def make(
    *,
    phase: str,
    device: str = "cpu",
    seed: int = 0,
    size: str = "small",
    data: str = "jpeg",
    consumer: str = "none",
    transform_ms: int = 0,
    compute_ms: int = 0,
    **given: Any,
) -> Workload:
    """The workload; `given` overrides the size: samples, batch, file, resolution, width and so on.

    `transform_ms` plants a transform that takes so long for each sample, `compute_ms` a model that takes so
    much longer for each batch. Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("loader", SIZES, phase=phase, size=size, phases=PHASES, **given)
    one_of("loader", "data", data, ("jpeg", "text"))
    one_of("loader", "consumer", consumer, ("none", "vit"))
    _check(parameters, transform_ms, compute_ms)
    consumed = phase == "train" or consumer == "vit"
    if consumed and data == "text":
        raise BadInput("data of loader must be jpeg where a model is behind it, which is one for images")
    return Workload(
        model="loader",
        phase=phase,
        samples=parameters["samples"],
        make_model=partial(transformer, parameters, device) if consumed else nothing,
        make_batches=tuple,
        forward=_vision.loss if phase == "train" else _vision.logits,
        make_job=job,
        device=device,
        seed=seed,
        parameters={
            **parameters,
            "data": data,
            "consumer": "vit" if consumed else "none",
            "transform_ms": transform_ms,
            "compute_ms": compute_ms,
        },
    )


def _check(parameters: Mapping[str, Any], *milliseconds: int) -> None:
    heads("loader", parameters)
    multiple("loader", "resolution", parameters["resolution"], parameters["patch"], "the side of a patch")
    if any(not isinstance(each, int) or each < 0 for each in milliseconds):
        raise BadInput("transform_ms and compute_ms of loader must be whole numbers of at least 0")


def nothing() -> torch.nn.Module:
    """Where no model is behind the loader."""
    import torch

    return torch.nn.Identity()


def job(workload: Workload) -> Job:
    from harness.models._loader_job import LoaderJob

    return LoaderJob(workload)
