"""Pruned layers hold the zeros they say, and only what is cut out is smaller."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness import pruners
from harness.benchmark import model
from harness.errors import Unsupported
from harness.workload import Edit, ModelJob, Workload
from tests.techniques.conftest import tiny


def built(workload: Workload) -> ModelJob:
    job = workload.build()
    assert isinstance(job, ModelJob)
    return job


def digits(*edits: Edit) -> ModelJob:
    workload = model("digits")(phase="infer", size="tiny")
    for edit in edits:
        workload = workload.edited(edit)
    return built(workload)


def matrices(network: torch.nn.Module) -> list[torch.Tensor]:
    found = [one.weight.detach() for one in network.modules() if isinstance(one, torch.nn.Linear)]
    assert found
    return found


def zeros(network: torch.nn.Module) -> float:
    return float(pruners.zeros(network)["share of zeros"])


def test_the_share_of_zeros_is_of_all_weights() -> None:
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]]))
        layer.bias.copy_(torch.tensor([0.0, 1.0]))
    assert zeros(layer) == 4 / 8


@pytest.mark.parametrize("edit", [pruners.unstructured, pruners.two_of_four])
def test_half_of_each_matrix_is_zero_and_the_others_are_as_before(edit: Edit) -> None:
    for before, after in zip(matrices(digits().model), matrices(digits(edit).model), strict=True):
        assert int((after == 0).sum()) == after.numel() // 2
        kept = after != 0
        assert torch.equal(after[kept], before[kept])


def test_the_smallest_go() -> None:
    before, after = (matrices(digits(*edits).model)[0] for edits in ((), (pruners.unstructured,)))
    assert before[after == 0].abs().max() <= before[after != 0].abs().min()


def test_every_four_in_a_row_keep_two_and_rows_that_are_not_of_fours_stay() -> None:
    for weight in matrices(digits(pruners.two_of_four).model):
        assert ((weight.view(-1, 4) != 0).sum(1) == 2).all()
    odd = torch.nn.Linear(6, 2)
    assert zeros(pruners.two_of_four(odd)) == 0


def test_structured_pruning_leaves_smaller_layers() -> None:
    dense, pruned = digits(), digits(pruners.structured)
    shapes = {tuple(weight.shape) for weight in matrices(pruned.model)}
    assert {(32, 16), (16, 32)} <= shapes
    assert not {(64, 16), (16, 64)} & shapes
    assert pruned.step().shape == dense.step().shape


def test_cutting_a_unit_that_does_nothing_changes_nothing() -> None:
    def silence(network: torch.nn.Module) -> torch.nn.Module:
        for module in network.modules():
            if hasattr(module, "fc1"):
                module.fc1.weight.data[::2] = 0
                module.fc1.bias.data[::2] = 0
        return network

    expected, found = digits(silence).step(), digits(silence, pruners.structured).step()
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_model_without_such_layers_says_so() -> None:
    with pytest.raises(Unsupported, match="feed-forward"):
        tiny("resnet", "infer").edited(pruners.structured).build()


def pruning(layer: torch.nn.Module) -> Callable[[], None]:
    after, optimizer = pruners.gradual(), torch.optim.SGD(layer.parameters())
    return lambda: after(optimizer)


def test_gradual_pruning_rises_to_its_share_and_stays_there() -> None:
    layer, shares = torch.nn.Linear(100, 20, bias=False), []
    update = pruning(layer)
    for _ in range(pruners.GRADUAL_STEPS + 5):
        update()
        shares.append(zeros(layer))
    assert shares[0] == pytest.approx(pruners.SHARE * (1 - 0.99**3), abs=1 / 2000)
    assert shares == sorted(shares)
    assert shares[20] - shares[0] > shares[99] - shares[79], "fast at first"
    assert set(shares[99:]) == {pruners.SHARE}


def test_each_training_counts_its_own_updates() -> None:
    one, other = torch.nn.Linear(100, 20, bias=False), torch.nn.Linear(100, 20, bias=False)
    first, second = pruning(one), pruning(other)
    for _ in range(50):
        first()
    second()
    assert zeros(other) < 0.02 < zeros(one)
