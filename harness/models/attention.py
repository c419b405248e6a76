"""Attention alone: query, key and value of one layer, without the model around it.

A step is the forward pass, with ``backward`` the backward pass too. Which implementation runs is the option
``attention`` that a technique sets. To compare lengths at the same number of tokens, let `batch` fall as
`length` rises. ``base`` has the heads of a 2048 wide model at 16,384 tokens, as papers of kernels measure.
"""

from __future__ import annotations

from typing import Any

from harness.errors import BadInput
from harness.models._sizes import one_of, settled, table
from harness.workload import Job, Workload

#: `head` is the width of one of the `heads`.
SIZES = table(
    ("batch", "heads", "head", "length", "causal", "backward", "dtype"),
    tiny=(2, 2, 16, 32, False, False, "float32"),
    small=(4, 2, 64, 256, False, False, "float32"),
    base=(8, 32, 64, 2048, False, False, "bfloat16"),
    large=(8, 16, 128, 2048, False, False, "bfloat16"),
)


def make(
    *,
    phase: str,
    device: str = "cpu",
    seed: int = 0,
    size: str = "small",
    dropout: float = 0.0,
    **given: Any,
) -> Workload:
    """The workload; `given` overrides the size: batch, heads, head, length, causal, backward, dtype.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    if phase != "kernel":
        raise BadInput(f"attention has only the phase kernel, not {phase!r}")
    parameters = settled("attention", SIZES, phase="infer", size=size, **given)
    one_of("attention", "dtype", parameters["dtype"], ("float32", "bfloat16", "float16"))
    if not 0 <= dropout < 1:
        raise BadInput(f"dropout of attention must be at least 0 and below 1, not {dropout!r}")
    return Workload(
        model="attention",
        phase=phase,
        samples=parameters["batch"],
        make_job=job,
        device=device,
        seed=seed,
        parameters={**parameters, "dropout": dropout},
    )


def job(workload: Workload) -> Job:
    from harness.models._attention_job import AttentionJob

    return AttentionJob(workload)
