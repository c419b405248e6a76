"""What a step has to do, and what this machine can: FLOPs and bytes of a step, and the machine's ceilings.

A leaf that touches the device. Together they say how far from the limit a step is, as a roofline does
(Williams, Waterman and Patterson, 2009).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from harness import clock, limits, rounding
from harness.memory import blocks
from harness.workload import Job

if TYPE_CHECKING:
    import torch

#: Sides of the matrices whose products are tried, while one product takes less than LONGEST, s.
SIDES = (256, 512, 1024, 2048)
CUDA_SIDES = (1024, 2048, 4096, 8192)
LONGEST = 0.075
#: How long each product and the copy are repeated for the best of them, s.
PRODUCT_SECONDS, COPY_SECONDS = 0.06, 0.25
COPY_BYTES = 256 << 20
DTYPES = ("float32", "bfloat16", "float16")


def count(job: Job) -> int:
    """FLOPs of one untimed step, as FlopCounterMode counts them; 0 if this step cannot be counted.

    That is matrix products, convolutions and attention; a multiply-add is two. Causal attention counts in
    full, as is usual. Recomputing counts too, so the work of a step is that of its baseline. Nothing inside a
    kernel that torch does not know is counted, so a job that knows its own work says so in ``flops``.
    """
    stated = int(getattr(job, "flops", 0))
    if stated:
        return stated
    from torch.utils.flop_counter import FlopCounterMode

    try:
        with FlopCounterMode(display=False, custom_mapping=_on_the_host()) as counted:
            job.step()
        return int(counted.get_total_flops())
    except Exception:  # A formula that does not fit, or a kernel that no dispatch mode may watch.
        return 0


def _on_the_host() -> dict[Any, Callable[..., int]]:
    """The CPU's own attention, which the registry of torch 2.13 lacks."""
    import torch

    return {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    }


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """Query by key, then scores by value. Arguments are shapes: batch, heads, length, width."""
    batch, heads, length, width = query
    return int(2 * batch * heads * length * key[2] * (width + value[3]))


def _attention_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """The scores again, then the gradients of query, key, value and scores."""
    batch, heads, length, width = query
    return int(2 * batch * heads * length * key[2] * (3 * width + 2 * value[3]))


def minimum_bytes(job: Job) -> int:
    """The least that a step moves between memory and processor, if no cache keeps anything between its parts.

    Inference reads every weight once. Training reads it again for the backward pass, writes and reads each
    gradient, reads and writes the optimizer's state and writes what is trained. Both read a batch. Without
    activations, for a perfect fusion keeps them in cache; with all of an embedding. Ask after a step.
    """
    tensors = job.tensors()
    weights, gradients = tensors.get("weights", ()), tensors.get("gradients", ())
    state, batches = tensors.get("optimizer", ()), tensors.get("batch", ())
    batch = _bytes(batches) // (len(getattr(job, "batches", ())) or 1)
    if not gradients and not state:
        return _bytes(weights) + batch
    trained = _bytes(weight for weight in weights if weight.requires_grad)
    return 2 * _bytes(weights) + 2 * _bytes(gradients) + 2 * _bytes(state) + trained + batch


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum({block.address: block.size for tensor in tensors for block in blocks(tensor)}.values())


def ceilings(device: str) -> dict[str, float]:
    """What the machine reaches now: FLOP/s of a large matrix product by dtype, and ``copy`` in bytes/s.

    A dtype that this device cannot multiply is left out. Takes 1 to 2 s, on a busy machine more.
    """
    import torch

    timer = clock.of(device)
    with rounding.matmuls("highest"):
        found = {
            name: _products(device, getattr(torch, name), timer)
            for name in ("float32", "bfloat16", "float16", "int8")
        }
    if device.startswith("cuda") and torch.cuda.get_device_capability(device) >= (8, 0):
        with rounding.matmuls("high"):
            found["tf32"] = _products(device, torch.float32, timer)
    found["copy"] = _copies(device, timer)
    return {name: rate for name, rate in found.items() if rate}


def _products(device: str, dtype: torch.dtype, timer: clock.Clock) -> float:
    """The best FLOP/s of square products of any size that is quick enough; 0 if there is none."""
    best = 0.0
    # Not for this dtype, not in this version of torch, or no memory for a side as large.
    with contextlib.suppress(RuntimeError, AttributeError):
        for side in CUDA_SIDES if device.startswith("cuda") else SIDES:
            seconds = _best(_product(device, dtype, side), timer, PRODUCT_SECONDS)
            best = max(best, 2 * side**3 / seconds)
            if seconds > LONGEST:
                break
    return best


def _product(device: str, dtype: torch.dtype, side: int) -> Callable[[], Any]:
    import torch

    if dtype is torch.int8:
        whole = [torch.randint(-99, 99, (side, side), dtype=dtype, device=device) for _ in range(2)]
        return lambda: torch._int_mm(*whole)
    one, other = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty(side, side, device=device, dtype=dtype)
    return lambda: torch.mm(one, other, out=out)


def _copies(device: str, timer: clock.Clock) -> float:
    """Bytes per second, read and written, of a copy that no cache can hold."""
    import torch

    size = 4 * COPY_BYTES if device.startswith("cuda") else min(COPY_BYTES, limits.available_memory() // 8)
    # Ones: zeros may be pages that do not exist yet.
    source, target = (torch.ones(size, dtype=torch.uint8, device=device) for _ in range(2))
    return 2 * size / _best(lambda: target.copy_(source), timer, COPY_SECONDS)


def _best(work: Callable[[], Any], timer: clock.Clock, patience: float) -> float:
    """The least seconds of the calls in that time: what the machine can, not what it was doing meanwhile."""
    best = timer.block(work, 1)[0]
    # Short work follows on itself, so that no device waits for its next launch.
    together = 4 if best < 2e-3 else 1
    spent = 0.0
    while spent < patience:
        seconds = timer.block(work, together)
        best, spent = min(best, *seconds), spent + sum(seconds)
    return best
