"""Each search ends on the largest fraction that fits, by a real out-of-memory."""

from __future__ import annotations

import pytest

from harness.benchmark import model
from harness.errors import Unsupported
from harness.jobs import adaptive_batch
from harness.jobs.adaptive_batch import AdaptiveJob
from harness.technique import stack, technique
from harness.techniques.adaptive_batch import halving
from tests.techniques.conftest import tiny

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


@pytest.mark.parametrize("variant", ["halving", "accelerate"])
def test_each_way_down_ends_on_a_batch_that_fits(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if ADAPTIVE.variant(variant).needs:
        pytest.importorskip("accelerate")
    monkeypatch.setattr(adaptive_batch, "BOUND", 96 << 20)
    monkeypatch.setattr(adaptive_batch, "TIMES", 512)
    plain = model("gpt2")(phase="train", size="tiny", length=64)
    job = ADAPTIVE.variant(variant).apply(plain).build()
    assert isinstance(job, AdaptiveJob)
    told = job.figures()
    assert told["attempts"] > 1, "it did run out of memory"  # type: ignore[operator]
    assert told["bytes left behind"] == 0
    assert 1 <= job.samples < 1024


def test_a_job_of_another_kind_says_so() -> None:
    with pytest.raises(Unsupported, match="in its own way"):
        ADAPTIVE.variant("halving").apply(tiny("trajectory"))


def test_the_optimizer_of_another_technique_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive_batch, "TIMES", 1)
    both = stack("adaptive-batch:halving+optimizer:loop")
    built = both.variant(both.name).apply(model("gpt2")(phase="train", size="tiny")).build()
    assert isinstance(built, AdaptiveJob)
    assert built.optimizer
    assert built.optimizer.defaults["foreach"] is False
    built.close()
