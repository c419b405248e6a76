"""Gradients of the parts add up to those of the whole batch, whatever its size, and the update is one."""

from __future__ import annotations

import pytest
import torch

from harness import equal
from harness.jobs.accumulation import AccumulationJob, pieces
from harness.memory import HostReader
from harness.workload import ModelJob, Workload
from tests.techniques.conftest import tiny


def whole(model: str = "digits") -> ModelJob:
    return ModelJob(tiny(model))


def in_parts(parts: int, model: str = "digits", each: bool = False) -> AccumulationJob:
    return AccumulationJob(tiny(model), parts, each)


@pytest.mark.parametrize("model", ["gpt2", "bert", "digits"])
def test_weights_after_three_updates_are_those_of_the_whole_batch(model: str) -> None:
    plain, cut = whole(model), in_parts(4, model)
    for _ in range(3):
        plain.step()
        cut.step()
    # The update's sign may flip on a gradient that is all rounding, so all weights together are compared.
    one, other = (
        torch.cat([weight.detach().flatten() for weight in each.model.parameters()]) for each in (plain, cut)
    )
    assert float((one - other).norm() / one.norm()) < 1e-3


@pytest.mark.parametrize("samples", [32, 7])
def test_parts_of_unequal_size_weigh_as_much_as_they_hold(samples: int) -> None:
    plain, cut = whole(), in_parts(2)
    cut.batches = plain.batches = [
        {name: value[:samples] for name, value in batch.items()} for batch in plain.batches
    ]
    plain.step()
    cut.step()
    assert equal.equality(equal.evidence(plain), equal.evidence(cut), 1e-5)["ok"]


def small_batches(workload: Workload, size: int) -> ModelJob:
    job = ModelJob(workload)
    job.batches = [
        {name: value[start : start + size] for name, value in batch.items()}
        for batch in job.batches
        for start in range(0, workload.samples, size)
    ]
    return job


def test_an_update_after_each_part_is_a_training_with_small_batches() -> None:
    cut, small = in_parts(4, each=True), small_batches(tiny("digits"), 8)
    cut.step()
    losses = [small.step() for _ in range(4)]
    assert torch.allclose(cut.last, sum(losses[1:], losses[0]) / 4)  # type: ignore[arg-type]
    pairs = zip(cut.model.parameters(), small.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_batch_is_cut_along_its_samples_into_views() -> None:
    batch = {"x": torch.arange(6).view(3, 2), "y": torch.arange(3)}
    found = list(pieces(batch, 2))
    assert [(part["x"].tolist(), part["y"].tolist()) for part in found] == [
        ([[0, 1], [2, 3]], [0, 1]),
        ([[4, 5]], [2]),
    ]
    assert found[0]["x"].data_ptr() == batch["x"].data_ptr()
    assert len(list(pieces(batch, 8))) == 3, "one for each sample"


def test_activations_are_those_of_a_part() -> None:
    def activations(job: ModelJob) -> int:
        found = HostReader().measure(job)
        return int(found["peak"] - found["resident"])

    assert activations(in_parts(4)) < 0.6 * activations(whole())
