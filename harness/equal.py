"""Whether a variant computes what its baseline does: what is kept of a first step's results, and compared."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.record import Json
from harness.workload import Job

if TYPE_CHECKING:
    import torch

#: Values kept of each tensor for comparing results: enough to catch any error, small enough for a pipe.
EVIDENCE_VALUES = 4096
NOT_FINITE = "NaN or infinity in the result"


def evidence(job: Job) -> dict[str, torch.Tensor]:
    """An evenly spaced sample of each result, as float32 on the host."""
    return {name.replace("_orig_mod.", ""): _sample(tensor) for name, tensor in job.evidence().items()}


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    """With NaN as its first value if any value is not finite, sampled or not."""
    flat = tensor.detach().reshape(-1)
    stride = max(1, -(-flat.numel() // EVIDENCE_VALUES))
    # Cloned: the next step overwrites what it was taken from.
    sample = flat[::stride].float().cpu().clone()
    # The extremes, which NaN is both of, need no memory: this is before the peak of a process is read.
    if len(sample) and not all(bool(value.isfinite()) for value in flat.aminmax()):
        sample[0] = float("nan")
    return sample


def equality(
    baseline: Mapping[str, torch.Tensor],
    variant: Mapping[str, torch.Tensor],
    tolerance: float,
    gradients: float | None = None,
) -> Json:
    """The relative L2 difference of the loss or output, or of all gradients together, nearer to its limit.

    Gradients are taken as one vector: that of a single bias may be all rounding. Their limit is `gradients`,
    or `tolerance` too.
    """
    if baseline.keys() != variant.keys():
        odd = sorted(baseline.keys() ^ variant.keys())
        return unequal(tolerance, f"results differ in kind: {', '.join(odd[:3])}")
    if any(baseline[name].shape != variant[name].shape for name in baseline):
        return unequal(tolerance, "results differ in shape")
    if not finite(variant):
        return unequal(tolerance, NOT_FINITE)
    heads = [name for name in baseline if name in ("loss", "output")]
    rest = [name for name in baseline if name not in heads]
    pairs = [(heads, tolerance), (rest, tolerance if gradients is None else gradients)]
    found = [(_relative(baseline, variant, names), limit) for names, limit in pairs if names]
    value, limit = max(found, key=lambda one: one[0] / max(one[1], 1e-30))
    return {"metric": "relative L2", "value": value, "tolerance": limit, "ok": value <= limit, "message": ""}


def finite(results: Mapping[str, torch.Tensor]) -> bool:
    return all(bool(values.isfinite().all()) for values in results.values())


def _relative(
    baseline: Mapping[str, torch.Tensor], variant: Mapping[str, torch.Tensor], names: list[str]
) -> float:
    import torch

    expected = torch.cat([baseline[name].reshape(-1) for name in names])
    found = torch.cat([variant[name].reshape(-1) for name in names])
    norm = float(expected.norm())
    difference = float((found - expected).norm())
    return difference / norm if norm else float(difference > 0)


def unequal(tolerance: float, message: str) -> Json:
    return {"metric": "relative L2", "value": None, "tolerance": tolerance, "ok": False, "message": message}


def encode(values: torch.Tensor) -> str:
    return base64.b64encode(values.numpy().tobytes()).decode()


def decode(text: str) -> torch.Tensor:
    import torch

    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)
