"""Memory of one step: what stays between steps, by kind, and the highest that it rises to within one.

On the host the allocator's events are replayed, because the process's own high-water mark is wrong after the
first step: the C library keeps freed pages. On CUDA the caching allocator counts. All figures are bytes.
Memory is never read while timing.
"""

from __future__ import annotations

import contextlib
import gc
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from harness import allocations
from harness.cgroup import numbers
from harness.workload import Job

if TYPE_CHECKING:
    import torch

STATUS = Path("/proc/self/status")


class MemoryReader(Protocol):
    def measure(self, job: Job) -> dict[str, Any]:
        """The ``memory`` of a record, of one untimed step: see record.py.

        Besides what stands there: ``held``, bytes alive at the start that are none of the job's tensors, such
        as the last output. `peak` is `resident` and `held` and what the step adds at its highest.
        """


def of(device: str) -> MemoryReader:
    return CudaReader(device) if device.startswith("cuda") else HostReader()


def host(status: Path = STATUS) -> dict[str, int]:
    """What the machine sees of this process, now and at its highest yet: imports and libraries included."""
    found = numbers(status)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "rss": found["VmRSS"] * 1024 if "VmRSS" in found else highest,
        "peak_rss": found["VmHWM"] * 1024 if "VmHWM" in found else highest,
    }


class HostReader:
    """Replays the allocator's events of the second of two steps: the first makes their blocks known."""

    def measure(self, job: Job) -> dict[str, Any]:
        gc.collect()
        with allocations.recording() as recording:
            job.step()
            gc.collect()
            kinds, addresses = resident(job, "cpu")
            with _at_each_batch(job, lambda: allocations.mark(allocations.BATCH)):
                allocations.mark(allocations.START)
                job.step()
                allocations.mark(allocations.END)
        found = allocations.replay(recording.events, addresses)
        peak = sum(kinds.values()) + found.held + found.peak
        figures = {"peak": peak, "reserved": peak, "held": found.held, "trace": found.trace}
        return {**_facts(job, kinds), **figures}


class CudaReader:
    """Asks the caching allocator. `cuda` is ``torch.cuda``; a test gives its own.

    `reserved` is what it had taken from the device at the highest, `device_used` what all processes had after
    the step, this one's context included. ``reserved_trace`` has the reserved bytes after each batch.
    """

    def __init__(self, device: str = "cuda", cuda: Any = None) -> None:
        self._device = device
        self._given = cuda

    @property
    def _cuda(self) -> Any:
        if self._given is None:
            import torch

            self._given = torch.cuda
        return self._given

    def measure(self, job: Job) -> dict[str, Any]:
        cuda, device = self._cuda, self._device
        gc.collect()
        cuda.synchronize(device)
        cuda.empty_cache()  # So that reserved is what this step needs, and not what building left behind.
        cuda.reset_peak_memory_stats(device)
        start = cuda.memory_allocated(device)
        kinds, _ = resident(job, "cuda")
        live: list[tuple[int, int]] = []
        with _at_each_batch(
            job, lambda: live.append((cuda.memory_allocated(device), cuda.memory_reserved(device)))
        ):
            job.step()
        cuda.synchronize(device)
        free, total = cuda.mem_get_info(device)
        return {
            **_facts(job, kinds),
            "peak": cuda.max_memory_allocated(device),
            "reserved": cuda.max_memory_reserved(device),
            "held": max(0, start - sum(kinds.values())),
            "trace": [allocated - start for allocated, _ in live],
            "reserved_trace": [reserved for _, reserved in live],
            "device_used": total - free,
        }


def _facts(job: Job, kinds: dict[str, int]) -> dict[str, Any]:
    """What both readers say alike. `batch_bytes` is told by jobs whose step is a run over batches; so is
    ``elements``, how many embedding elements the step had, by those that count them."""
    elements = int(getattr(job, "elements", 0))
    known = {**kinds, "resident": sum(kinds.values()), "batch_bytes": int(getattr(job, "batch_bytes", 0))}
    return {**known, "elements": elements} if elements else known


@contextlib.contextmanager
def _at_each_batch(job: Job, action: Callable[[], None]) -> Iterator[None]:
    """Does `action` after each of the job's batches, besides what it does there anyway."""
    usual = job.on_batch

    def both() -> None:
        usual()
        action()

    job.on_batch = both
    try:
        yield
    finally:
        job.on_batch = usual


class Block(NamedTuple):
    address: int
    size: int
    device: str


def resident(job: Job, device: str) -> tuple[dict[str, int], set[int]]:
    """Bytes on `device` of the job's tensors by kind, and where they are.

    A storage that several tensors share, as tied weights do, counts once, for the first kind that has it; a
    view counts with all of the storage that it keeps alive.
    """
    kinds = dict.fromkeys(("weights", "gradients", "optimizer", "batch"), 0)
    seen: set[int] = set()
    for kind, tensors in job.tensors().items():
        found = (block for tensor in tensors for block in blocks(tensor) if block.device == device)
        new = {block.address: block.size for block in found if block.address not in seen}
        kinds[kind] = kinds.get(kind, 0) + sum(new.values())
        seen |= new.keys()
    return kinds, seen


def size(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of the memory behind `tensors`, what several share counted once."""
    return sum({block.address: block.size for tensor in tensors for block in blocks(tensor)}.values())


def blocks(tensor: torch.Tensor) -> Iterator[Block]:
    """The memory behind a tensor: its storage, or those of the tensors that a subclass wraps."""
    import torch

    if hasattr(tensor, "__tensor_flatten__"):  # Quantized weights, for one: data and scales.
        for name in tensor.__tensor_flatten__()[0]:
            yield from blocks(getattr(tensor, name))
    elif tensor.layout is torch.sparse_coo:
        yield from blocks(tensor._indices())
        yield from blocks(tensor._values())
    elif tensor.layout is torch.strided:
        storage = tensor.untyped_storage()
        if storage.nbytes() and tensor.device.type != "meta":
            yield Block(storage.data_ptr(), storage.nbytes(), tensor.device.type)
    else:  # Opaque, as oneDNN's are: no address is told.
        yield Block(-id(tensor), tensor.numel() * tensor.element_size(), tensor.device.type)
