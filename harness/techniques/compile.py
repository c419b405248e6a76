"""torch.compile: the model's Python is traced once and run as generated code.

What Dynamo and Inductor keep in a process begins empty in every worker: it is forked from one that has
imported them and compiled nothing. Generated code rounds in another order than eager code: transformers
differ by 4e-7, the gradients of a ResNet by up to 0.004, as they do when its input is off by 1e-7.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.technique import Technique, Variant
from harness.workload import Workload

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def compiler() -> Iterator[None]:
    """On exit the compiled code and the compiler's own processes are gone."""
    try:
        yield
    finally:
        import torch

        torch.compiler.reset()
        if pools := sys.modules.get("torch._inductor.async_compile"):
            pools.shutdown_compile_workers()


def compiled(says: str, *, devices: tuple[str, ...] | None = None, **options: Any) -> Variant:
    """The variant whose model is ``torch.compile(model, **options)``."""

    def edit(model: torch.nn.Module) -> torch.nn.Module:
        import torch

        return torch.compile(model, **options)  # type: ignore[return-value]

    def apply(workload: Workload) -> Workload:
        return workload.with_during(compiler).edited(edit)

    return Variant(apply=apply, says=says, tolerance=1e-4, gradients=0.01, compiles=True, devices=devices)


TECHNIQUE = Technique(
    name="compile",
    says="the model as generated, fused code instead of Python's one operation after the other",
    stage="compile",
    baseline="eager",
    variants={
        "eager": Variant(says="one operation after the other"),
        "default": compiled("torch.compile as it comes"),
        "reduce-overhead": compiled(
            "with CUDA graphs; on CPU it is the default", devices=("cuda",), mode="reduce-overhead"
        ),
        "max-autotune": compiled(
            "the fastest of several kernels, tried while compiling", mode="max-autotune"
        ),
        "dynamic": compiled("code that is not tied to one shape", dynamic=True),
    },
)
