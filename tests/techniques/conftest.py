"""What the tests of techniques share: tiny workloads, and a first step with what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from harness import benchmark, equal
from harness.workload import Workload

Results = dict[str, torch.Tensor]


def tiny(model: str = "gpt2", phase: str = "train") -> Workload:
    """The smallest of `model`, but for normalization over a batch, which of two images is all rounding.

    ``wide-gpt2`` is as wide as a block of weights that are quantized together.
    """
    given = {"resnet": {"batch": 8, "resolution": 64}, "wide-gpt2": {"width": 64}}.get(model, {})
    return benchmark.model(model.removeprefix("wide-"))(phase=phase, size="tiny", **given)


def first_step(workload: Workload) -> Results:
    """What the worker would judge the workload by."""
    job = workload.build()
    try:
        job.step()
        return equal.evidence(job)
    finally:
        job.close()


@pytest.fixture(scope="session")
def baseline() -> Callable[[str, str], Results]:
    """The first step of a plain tiny workload; made once for all tests."""
    found: dict[tuple[str, str], Results] = {}

    def of(model: str, phase: str) -> Results:
        if (model, phase) not in found:
            found[model, phase] = first_step(tiny(model, phase))
        return found[model, phase]

    return of


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def compiled_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inductor")


@pytest.fixture(autouse=True)
def compile_cache(compiled_code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled code is shared by these tests alone, on disk; none of it is in memory as a test begins."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(compiled_code))
    torch.compiler.reset()
