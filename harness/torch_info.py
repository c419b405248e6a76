"""What torch says of itself and its device. Imports torch when called, so only a worker calls it."""

from __future__ import annotations

from typing import Any


def default_device() -> dict[str, str]:
    """``{"device": "cuda"}`` where torch finds a CUDA device, else ``{"device": "cpu"}``."""
    import torch

    return {"device": "cuda" if torch.cuda.is_available() else "cpu"}


def describe(device: str) -> dict[str, Any]:
    """Build, threads and settings of torch that change what is measured; with a device's, its own."""
    import torch

    found: dict[str, Any] = {
        "torch": torch.__version__,
        "git": torch.version.git_version,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "mkl": bool(torch._C.has_mkl),
        "mkldnn": bool(torch._C._has_mkldnn),
        "openmp": bool(torch._C.has_openmp),
        "parallel": _parallel(),
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
    return {**found, "cuda": _cuda(device)} if device.startswith("cuda") else found


def _parallel() -> list[str]:
    """The lines of torch's own account that name a library or a count: OpenMP, MKL, oneDNN, backend."""
    import torch

    lines = (line.strip() for line in torch.__config__.parallel_info().splitlines())
    # Its list of environment variables is in the machine's fingerprint, without paths.
    return [line for line in lines if line and not line.startswith(("Environment", "OMP_", "MKL_NUM"))]


def _cuda(device: str) -> dict[str, Any]:
    import torch

    cudnn: Any = torch.backends.cudnn
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "memory": properties.total_memory,
        "multiprocessors": properties.multi_processor_count,
        "count": torch.cuda.device_count(),
        "runtime": torch.version.cuda,
        "hip": torch.version.hip,
        "cudnn": cudnn.version(),
        "architectures": torch.cuda.get_arch_list(),
        "allocator": torch.cuda.get_allocator_backend(),
        "cudnn_benchmark": cudnn.benchmark,
    }
