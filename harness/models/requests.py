"""Requests: texts that come one after the other, some far more often than others; each is tokenized.

Which text comes is drawn by Zipf's law: the n-th most frequent of `texts` has a share proportional to
1 / n^`skew`. Requests to web servers follow it with a skew of 0.64 to 0.83 (Breslau et al. 1999). The stream
is stationary and goes on from step to step, so that how often a text comes again is a property of it, and
not of how long it is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import BadInput
from harness.models._sizes import settled, table
from harness.workload import Job, Workload

if TYPE_CHECKING:
    import torch

#: `requests` are those of a step; `texts` are different ones, each of so many `characters`.
SIZES = table(
    ("requests", "texts", "characters", "vocab"),
    tiny=(16, 64, 40, 512),
    small=(128, 4000, 200, 2048),
    base=(256, 20000, 1000, 8192),
    large=(256, 50000, 2000, 8192),
)


def make(
    *, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", skew: float = 0.8, **given: int
) -> Workload:
    """The workload; `given` overrides the size: requests, texts, characters, vocab.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("requests", SIZES, phase=phase, size=size, phases=("load",), **given)
    if isinstance(skew, bool) or not isinstance(skew, (int, float)) or not 0 <= skew <= 3:
        raise BadInput(f"skew of requests must be a number from 0, all alike, to 3, not {skew!r}")
    return Workload(
        model="requests",
        phase=phase,
        samples=parameters["requests"],
        make_model=nothing,
        make_job=job,
        device=device,
        seed=seed,
        parameters={**parameters, "skew": float(skew)},
    )


def nothing() -> torch.nn.Module:
    """No model is behind the tokenizer."""
    import torch

    return torch.nn.Identity()


def job(workload: Workload) -> Job:
    from harness.models._requests_job import RequestsJob

    return RequestsJob(workload)
