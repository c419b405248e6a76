"""A benchmark whose variants fail, each in its own way. A user's folder: ``--benchmarks tests/declared``."""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from typing import Any

from harness.benchmark import Benchmark, grid
from harness.technique import Technique, Variant
from harness.workload import Workload


def make(phase: str, device: str, seed: int, width: int = 8, **parameters: Any) -> Workload:
    import torch

    def batches() -> list[dict[str, torch.Tensor]]:
        return [{"x": torch.randn(4, width)} for _ in range(2)]

    return Workload(
        model="toy",
        phase=phase,
        samples=4,
        device=device,
        seed=seed,
        make_model=lambda: torch.nn.Linear(width, width),
        make_batches=batches,
        forward=lambda model, batch: model(batch["x"]).square().mean(),
        quality=lambda job: {"metric": "final loss", "value": 1.0, "finite": True, "curve": [1.0]},
        parameters={"width": width, **parameters},
    )


def in_step(action: Callable[[Any], Any]) -> Callable[[Workload], Workload]:
    """A variant that does `action` to the output of every forward pass."""

    def edit(model: Any) -> Any:
        model.register_forward_hook(lambda module, given, output: action(output))
        return model

    return lambda workload: workload.edited(edit)


def killed(output: Any) -> None:
    tempfile.mkdtemp(prefix="left-")
    os.kill(os.getpid(), signal.SIGKILL)


def too_much(output: Any) -> Any:
    """A real allocation of 64 GB of touched memory, past any bound a test sets."""
    import torch

    return output + torch.ones(16_000_000_000).sum()


def raises(output: Any) -> None:
    raise ValueError("planted: shapes do not match")


def imports(output: Any) -> None:
    import a_library_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401


BENCHMARK = Benchmark(
    name="faults",
    technique=Technique(
        name="faults",
        says="fails in every way",
        stage="control",
        baseline="plain",
        measures=("memory", "time"),
        variants={
            "plain": Variant(),
            "killed": Variant(apply=in_step(killed)),
            "hangs": Variant(apply=in_step(lambda output: time.sleep(1000))),
            "raises": Variant(apply=in_step(raises)),
            "imports": Variant(apply=in_step(imports)),
            "too-much": Variant(apply=in_step(too_much)),
            "nan": Variant(apply=in_step(lambda output: output * float("nan"))),
            "wrong": Variant(apply=in_step(lambda output: output * 1.01)),
            "lacks": Variant(needs=("a-package-nobody-has>=1",)),
            "same": Variant(apply=in_step(lambda output: output * 1.0)),
        },
    ),
    quick=grid(model="toy", phase="train", width=8),
    make=make,
)
