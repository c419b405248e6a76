"""Models that are trained before they are measured: once in a run, however many workers measure them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.models._quality import epochs
from harness.workload import ModelJob, Workload

if TYPE_CHECKING:
    import torch

#: The environment variable that names the folder which the workers of a run share.
FOLDER = "CLAIMBENCH_TRAINED"


def trained(train: Workload) -> torch.nn.Module:
    """The model at the end of a plain training, on its device and without gradients.

    `train` has to be as the model's own `make` gave it, so that model, parameters, device and seed say all
    about the result. The first worker of a run trains and the others read its weights: so variants start
    from the very same ones. Without a shared folder, as under asv, each worker trains.
    """
    assert train.make_model
    place = _place(train)
    if place is None:
        return _taught(train)
    if not place.is_file():
        model = _taught(train)
        with contextlib.suppress(OSError):  # a full disk: the next worker trains too
            _write(place, model)
        if not place.is_file():
            return model
    return _read(place, train)


def _place(train: Workload) -> Path | None:
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    known = json.dumps([train.model, train.device, train.seed, train.parameters], sort_keys=True)
    return Path(folder) / f"{hashlib.sha256(known.encode()).hexdigest()[:24]}.pt"


def _taught(train: Workload) -> torch.nn.Module:
    job = ModelJob(train)
    epochs(job)
    job.model.zero_grad()  # Inference holds no gradients.
    return job.model


def _write(place: Path, model: torch.nn.Module) -> None:
    """Aside and then renamed into place, so that a reader finds all of it or nothing."""
    import torch

    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as aside:
        try:
            torch.save(model.state_dict(), aside)
            os.replace(aside.name, place)
        except BaseException:
            os.unlink(aside.name)
            raise


def _read(place: Path, train: Workload) -> torch.nn.Module:
    import torch

    assert train.make_model
    model = train.make_model().to(train.device)
    model.load_state_dict(torch.load(place, map_location=train.device, weights_only=True))
    return model
