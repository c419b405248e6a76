"""A product of two matrices, as the source of the claim times it."""

from __future__ import annotations

import pytest
import torch

from harness.errors import BadInput
from harness.models.matmul import make
from harness.workload import ModelJob


def job(seed: int = 0) -> ModelJob:
    built = make(phase="kernel", size="tiny", seed=seed).build()
    assert isinstance(built, ModelJob)
    return built


def test_a_step_is_one_product_of_matrices_that_differ_from_step_to_step() -> None:
    made = job()
    (weight,) = made.model.parameters()
    for batch in made.batches:
        torch.testing.assert_close(made.step(), batch["left"] @ weight.detach().T)
    assert len({batch["left"].numpy().tobytes() for batch in made.batches}) == 4


def test_the_seed_decides_both_matrices() -> None:
    first = job(seed=1).step()
    assert torch.equal(first, job(seed=1).step())
    assert not torch.equal(first, job(seed=2).step())


def test_base_is_as_wide_as_the_source_has_it() -> None:
    assert make(phase="kernel", size="base").parameters["width"] == 10240


def test_it_is_a_kernel_and_no_model_to_train() -> None:
    with pytest.raises(BadInput, match="no phase of matmul 'train'"):
        make(phase="train")
