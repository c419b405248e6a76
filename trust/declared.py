"""The workloads as this harness takes them: a declaration for each side, with its own number of units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmark import Benchmark
from harness.technique import Technique, Variant
from harness.workload import Workload
from trust.workloads import Step

if TYPE_CHECKING:
    import torch

#: The file that declares one side; `write` fills it in.
TEXT = """\
from trust.{module} import build
from trust.declared import benchmark

BENCHMARK = benchmark({units!r}, build, {kind!r})
"""

TECHNIQUE = Technique(
    name="trust",
    says="so many units of the same work",
    stage="control",
    baseline="work",
    variants={"work": Variant(says="the work of one side")},
)


class Units:
    """A job whose step is the work. Both sides compute the same results, so only the time can differ."""

    samples = 1

    def __init__(self, step: Callable[[], Any]) -> None:
        self.step = step
        self.on_batch: Callable[[], None] = lambda: None

    def evidence(self) -> dict[str, torch.Tensor]:
        import torch

        return {"output": torch.zeros(1)}

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        return {}

    def close(self) -> None:
        """Nothing was changed."""


def benchmark(units: Mapping[str, int], build: Callable[[str, int], Step], kind: str) -> Benchmark:
    """The declaration of a side that does so many `units` of each workload; `kind` is time or memory."""

    def make(phase: str, device: str, seed: int, work: str) -> Workload:
        return Workload(
            model="trust",
            phase=phase,
            samples=1,
            device=device,
            seed=seed,
            parameters={"work": work},
            make_job=lambda _: Units(build(work, units[work])),
        )

    cells = [{"model": "trust", "phase": "infer", "work": name} for name in units]
    return Benchmark(name="trust", technique=replace(TECHNIQUE, measures=(kind,)), quick=cells, make=make)


def write(folder: Path, units: Mapping[str, int], module: str, kind: str) -> Path:
    """A folder that declares them, built by ``trust.MODULE.build``."""
    folder.mkdir(parents=True)
    (folder / "trusted.py").write_text(TEXT.format(units=dict(units), module=module, kind=kind))
    return folder
