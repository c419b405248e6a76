"""The perceptron is the recipe's, and trains as it does there."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness.errors import BadInput
from harness.models.mlp import make
from harness.workload import ModelJob


def job(phase: str, seed: int = 0) -> ModelJob:
    built = make(phase=phase, size="tiny", seed=seed).build()
    assert isinstance(built, ModelJob)
    return built


def test_base_is_the_network_of_the_recipe() -> None:
    made = make(phase="train", size="base")
    assert made.make_model
    with torch.device("meta"):
        model = made.make_model()
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    assert [type(layer) for layer in model.children()] == [linear, relu, linear, relu, linear]
    assert sum(weight.numel() for weight in model.parameters()) == 3 * (4096 * 4096 + 4096)
    assert made.samples == 512


def test_it_is_trained_by_sgd_on_the_mean_squared_error() -> None:
    made = job("train")
    batch, weight = made.batches[0], next(made.model.parameters())
    expected = (made.model(batch["inputs"]) - batch["targets"]).square().mean()
    before = weight.detach().clone()
    torch.testing.assert_close(made.step(), expected.detach())
    assert weight.grad is not None
    torch.testing.assert_close(weight.detach(), before - 1e-3 * weight.grad)


def test_it_fits_a_batch_it_sees_again() -> None:
    made = job("train")
    made.batches = made.batches[:1]
    losses = [float(made.step()) for _ in range(20)]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))


def test_the_seed_decides_everything() -> None:
    first = job("infer", seed=1).step()
    assert first.shape == (4, 32)
    assert torch.equal(first, job("infer", seed=1).step())
    assert not torch.equal(first, job("infer", seed=2).step())


def test_batches_differ() -> None:
    heads = {batch["inputs"].numpy().tobytes() for batch in job("train").batches}
    assert len(heads) == 4


def test_layers_and_width_can_be_asked_for() -> None:
    made = make(phase="train", size="tiny", layers=5, width=16)
    assert made.make_model
    assert [weight.shape[0] for weight in made.make_model().parameters()] == [16] * 10
    with pytest.raises(BadInput, match="no parameter of mlp 'length'"):
        make(phase="train", length=3)
