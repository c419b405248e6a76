"""The search ends on the largest fraction that fits, by a real out-of-memory, and leaves nothing behind."""

from __future__ import annotations

import resource

import pytest
import torch

from harness.benchmark import model
from harness.errors import Unsupported
from harness.technique import stack, technique
from harness.techniques import adaptive_batch
from harness.techniques.adaptive_batch import AdaptiveJob, halving

ADAPTIVE = technique("adaptive-batch")


def fits(largest: int) -> tuple[list[int], object]:
    tried: list[int] = []

    def attempt(size: int) -> int:
        tried.append(size)
        if size > largest:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return size

    return tried, attempt


@pytest.mark.parametrize(("largest", "found"), [(100, 64), (64, 64), (63, 32), (1, 1), (1000, 256)])
def test_it_ends_on_the_largest_fraction_that_fits(largest: int, found: int) -> None:
    tried, attempt = fits(largest)
    assert halving(attempt, 256) == found  # type: ignore[arg-type]
    assert tried[-1] == found
    assert all(size > largest for size in tried[:-1])


def test_nothing_fits() -> None:
    with pytest.raises(Unsupported, match="not even one"):
        halving(fits(0)[1], 4)  # type: ignore[arg-type]


def test_another_error_is_not_taken_for_memory() -> None:
    def attempt(size: int) -> int:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        halving(attempt, 4)


def test_a_real_failure_is_survived_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.techniques import adaptive_batch

    monkeypatch.setattr(adaptive_batch, "BOUND", 96 << 20)
    monkeypatch.setattr(adaptive_batch, "TIMES", 1024)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    plain = model("gpt2")(phase="train", size="tiny", length=64)
    job = ADAPTIVE.variant("halving").apply(plain).build()
    assert isinstance(job, AdaptiveJob)
    told = job.figures()
    assert told["attempts"] > 1, "it did run out of memory"  # type: ignore[operator]
    assert 1 <= told["batch found"] < 2048  # type: ignore[operator]
    assert job.samples == told["batch found"]
    assert told["bytes left behind"] == 0
    assert resource.getrlimit(resource.RLIMIT_DATA) == limits
    assert torch.isfinite(job.step())


def test_the_optimizer_of_another_technique_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive_batch, "TIMES", 1)
    both = stack("adaptive-batch:halving+optimizer:loop")
    built = both.variant(both.name).apply(model("gpt2")(phase="train", size="tiny")).build()
    assert isinstance(built, AdaptiveJob)
    assert built.optimizer
    assert built.optimizer.defaults["foreach"] is False
    built.close()
